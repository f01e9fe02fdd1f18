import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Logger } from '../../../base/logger.js'
import { SUBPROTOCOL, WS_LIMITS } from './limits.js'
import type { OriginRule } from './origin-rule.js'

const PAGE = 'This port takes SIP over WebSocket (RFC 7118, subprotocol "sip"). It has no web pages.\n'

/** The server's side of WebSocket handshakes: it takes upgrades to the subprotocol `sip` at any path, and answers everything else. */
export class WsAcceptor {
  readonly #log: Logger
  readonly #allowsOrigin: OriginRule
  /** It has no port: connections are handed to it. */
  readonly #web = createServer((_request, response) => refuse(response))
  readonly #upgrades = new WebSocketServer({
    ...WS_LIMITS,
    noServer: true,
    clientTracking: false,
    handleProtocols: () => SUBPROTOCOL,
  })
  /** What follows a handshake, by its connection. */
  readonly #waiting = new WeakMap<Duplex, (socket: WebSocket) => void>()

  constructor(log: Logger, allowsOrigin: OriginRule) {
    this.#log = log
    this.#allowsOrigin = allowsOrigin
    this.#web.on('upgrade', (request, connection, head) => this.#upgrade(request, connection, head))
  }

  /** `done` if a handshake succeeds on this connection. */
  accept(connection: Socket, done: (socket: WebSocket) => void): void {
    this.#waiting.set(connection, done)
    this.#web.emit('connection', connection)
  }

  #upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void {
    connection.on('error', (error) => this.#log.debug({ err: error }, 'WebSocket'))
    const refusal = this.#refusalOf(request)
    if (refusal !== undefined) {
      this.#log.debug({ peer: request.socket.remoteAddress, refusal }, 'a WebSocket was refused')
      connection.end(refusal)
      return
    }
    this.#upgrades.handleUpgrade(request, connection, head, (socket) => this.#waiting.get(connection)?.(socket))
  }

  #refusalOf({ headers }: IncomingMessage): string | undefined {
    if (!this.#allowsOrigin(headers.origin, headers.host)) {
      return httpResponse('403 Forbidden', `Pages of ${printable(headers.origin)} may not connect here.\n`)
    }
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
    // RFC 7118 4: the client must offer it, and the server must choose it.
    if (offered.includes(SUBPROTOCOL)) return undefined
    return httpResponse('400 Bad Request', 'Offer the subprotocol "sip" in Sec-WebSocket-Protocol (RFC 7118).\n')
  }
}

function refuse(response: ServerResponse): void {
  // RFC 9110 15.5.22
  response.writeHead(426, { Upgrade: 'websocket', Connection: 'Upgrade, close', 'Content-Type': 'text/plain' })
  response.end(PAGE)
}

const httpResponse = (status: string, text: string): string =>
  `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`

const printable = (text = ''): string => text.replace(/[^\x21-\x7e]/g, '?').slice(0, 200)
