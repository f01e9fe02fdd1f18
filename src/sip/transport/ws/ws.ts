import type { WebSocket } from 'ws'
import { newToken } from '../../../base/ids.js'
import { hostPort } from '../address.js'
import {
  type FlowMaker,
  openStreamTransport,
  type StreamKind,
  type StreamTransportDeps,
  type StreamTransportInit,
} from '../stream-transport.js'
import type { Target } from '../../types.js'
import type { SipTransport } from '../transport.js'
import { WsAcceptor } from './acceptor.js'
import { dial, refusalOf } from './dial.js'
import { WsFlow } from './ws-flow.js'

interface WsTransportInit extends StreamTransportInit {
  /** Origins of the pages that may connect; default: pages of the same host. */
  origins?: readonly string[]
  /** Of the URLs that we connect to. */
  path?: string
}

/** SIP over WebSocket (RFC 7118) on connections of TCP (`ws`) or TLS (`wss`). */
export async function openWs(
  protocol: 'ws' | 'wss',
  connections: StreamKind,
  deps: StreamTransportDeps,
  init: WsTransportInit,
): Promise<SipTransport> {
  const acceptor = new WsAcceptor(deps.log, init.origins ?? [])
  const path = init.path ?? '/'
  const kind: StreamKind = {
    protocol,
    readyEvent: connections.readyEvent,
    // RFC 7118 5: a client cannot be reached by an address; the name is random, and the same for all of our connections.
    clientSentBy: `${newToken()}.invalid`,
    createServer: (ready) => connections.createServer(ready),
    connect: (to, options) => connections.connect(to, options),
    serves: (socket, name) => connections.serves?.(socket, name) ?? true,
    reasonOf: (error, to) => refusalOf(error) ?? connections.reasonOf?.(error, to) ?? error,
    close: () => connections.close?.(),
    accepted: (socket, begin) => acceptor.accept(socket, (webSocket) => begin(flowOver(webSocket))),
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
