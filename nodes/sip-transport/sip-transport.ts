import { defineConfig } from '../shared/define-config.js'
import type { RED } from '../shared/red.js'
import { parseTransport } from '../shared/transport-config.js'
import { defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * The socket for SIP and audio: address, port, and the range of RTP ports. Several accounts may share
 * a transport. Invalid settings have the status `bad settings` and an entry in the log; accounts that use the transport report them too.
 */
export default function sipTransport(RED: RED): void {
  defineConfig(RED, {
    type: 'sip-transport',
    defaults,
    migrations,
    parse: (config, { id }) => parseTransport(config, id),
  })
}
