import type { WebSocket } from 'ws'
import { TelephonyError } from '../../../base/errors.js'
import { hostPort } from '../../../base/host-port.js'
import { newToken } from '../../../base/ids.js'
import type { Target, WsSettings } from '../../types.js'

import {
  type FlowMaker,
  openStreamTransport,
  type StreamKind,
  type StreamTransportDeps,
  type StreamTransportInit,
} from '../stream-transport.js'
import type { SipTransport } from '../transport.js'
import { WsAcceptor } from './acceptor.js'
import { dial, refusalOf } from './dial.js'
import { originRule } from './origin-rule.js'
import { WsFlow } from './ws-flow.js'

interface WsInit {
  protocol: 'ws' | 'wss'
  /** Of TCP or TLS. */
  connections: StreamKind
  settings: WsSettings
}

/** SIP over WebSocket (RFC 7118). Rejects with BAD_CONFIG if a setting is wrong. */
export async function openWs(
  { protocol, connections, settings }: WsInit,
  deps: StreamTransportDeps,
  init: StreamTransportInit,
): Promise<SipTransport> {
  const allowsOrigin = originRule(settings.origins ?? [])
  let acceptor: WsAcceptor | undefined
  const path = checkedPath(settings.path ?? '/')
  const kind: StreamKind = {
    protocol,
    readyEvent: connections.readyEvent,
    // RFC 7118 5: a client cannot be reached by an address; the name is random, and the same for all of our connections.
    clientSentBy: `${newToken()}.invalid`,
    createServer: (ready) => connections.createServer(ready),
    connect: (to, options) => connections.connect(to, options),
    serves: (socket, name) => connections.serves?.(socket, name) ?? true,
    reasonOf: (error, to) => refusalOf(error) ?? connections.reasonOf?.(error, to) ?? error,
    renewTls: connections.renewTls,
    close: () => connections.close?.(),
    accepted: (socket, begin) => {
      acceptor ??= new WsAcceptor(deps.log, allowsOrigin)
      acceptor.accept(socket, (webSocket) => begin(flowOver(webSocket)))
    },
    opened: (socket, to, begin, failed) =>
      dial(socket, { authority: authorityOf(to), path, opened: (webSocket) => begin(flowOver(webSocket)), failed }),
  }
  return openStreamTransport(kind, deps, init)
}

const flowOver =
  (webSocket: WebSocket): FlowMaker =>
  (deps, init) =>
    new WsFlow(webSocket, deps, init)

/** RFC 9110 7.2: the name, if one is known. A zone is this machine's own. */
const authorityOf = ({ name, host, port }: Target): string => hostPort({ host: name ?? host.replace(/%.*/, ''), port })

function checkedPath(path: string): string {
  if (/^\/[!-~]*$/.test(path) && !path.includes('#')) return path
  throw new TelephonyError('BAD_CONFIG', `${JSON.stringify(path)} is not the path of a URL. Use one like /ws`)
}
