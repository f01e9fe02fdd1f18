import { defineConfig } from '../shared/define-config.js'
import type { RED } from '../shared/red.js'
import { parseTransport } from '../shared/transport-config.js'
import { defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Where the machine sends and receives SIP and sound: address, port, and the range of ports for sound. Several accounts may share
 * one. Settings that cannot work are shown as `bad settings` and named in the log; the accounts that use it say so too.
 */
export default function sipTransport(RED: RED): void {
  defineConfig(RED, {
    type: 'sip-transport',
    defaults,
    migrations,
    parse: (config, { id }) => parseTransport(config, id),
  })
}
