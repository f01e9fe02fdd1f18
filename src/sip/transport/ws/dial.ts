import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { SUBPROTOCOL, WS_LIMITS } from './limits.js'

interface DialInit {
  /** Host and port of the Host header, the host as a name if there is one. */
  authority: string
  path: string
  opened(socket: WebSocket): void
  failed(error: Error): void
}

/**
 * The client's side of a WebSocket handshake (RFC 6455 4.1, RFC 7118 4) on an open connection of TCP or TLS. `opened` is called before a
 * message can come, `failed` with a plain reason.
 */
export function dial(connection: Socket, { authority, path, opened, failed }: DialInit): void {
  const url = `ws://${authority}${path}`
  if (!URL.canParse(url)) {
    failed(new Error(`${authority} cannot stand in the URL of a WebSocket`))
    connection.destroy()
    return
  }
  const socket = new WebSocket(url, SUBPROTOCOL, { ...WS_LIMITS, createConnection: () => connection })
  socket.on('error', (error) => failed(error))
  socket.once('unexpected-response', (_request, { statusCode, statusMessage }) => {
    failed(new Error(`the server refuses a WebSocket with ${statusCode} ${statusMessage}`))
    connection.destroy()
  })
  socket.once('open', () => {
    socket.removeAllListeners('error')
    opened(socket)
  })
}

/** The errors of `ws` in plain words; undefined for others. */
export const refusalOf = ({ message }: Error): Error | undefined =>
  /subprotocol/i.test(message)
    ? new Error('the server does not speak SIP over WebSocket: it does not take the subprotocol "sip"')
    : undefined
