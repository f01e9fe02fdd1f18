import type { TransportConfig } from '../../src/engine/protocol.js'
import { defineConfig } from '../shared/define-config.js'
import type { RED } from '../shared/red.js'
import { userDirOf } from '../shared/shared-engine.js'
import { parseTransport } from '../shared/transport-config.js'
import { type Config, type Credentials, defaults } from './config.js'
import { migrations } from './migrations.js'

const UNCHECKED =
  'certificates of servers are not checked: anyone on the way can listen to calls and change them. Choose “issuer, dates and name” under Encryption, with a CA file if your server needs one'

/**
 * The sockets for SIP and audio: address, a port for each protocol, certificates, and the range of RTP ports. Several accounts may share
 * a transport. Invalid settings have the status `bad settings` and an entry in the log; accounts that use the transport report them too.
 */
export default function sipTransport(RED: RED): void {
  defineConfig<Config, TransportConfig, Credentials>(RED, {
    type: 'sip-transport',
    defaults,
    migrations,
    credentials: { tlsPassphrase: { type: 'password' } },
    parse: (config, { id, node }) =>
      parseTransport(config, { id, folder: userDirOf(RED), credentials: node.credentials }),
    open: ({ tls }, { node }) => {
      if (tls?.verify === 'off') node.warn(UNCHECKED)
    },
  })
}
