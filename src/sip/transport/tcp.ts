import { createServer, Socket } from 'node:net'
import {
  openStreamTransport,
  type StreamKind,
  type StreamTransportDeps,
  type StreamTransportInit,
} from './stream-transport.js'
import type { SipTransport } from './transport.js'

export const TCP: StreamKind = {
  protocol: 'tcp',
  readyEvent: 'connect',
  createServer: (ready) => createServer(ready),
  connect: (_, options) => new Socket().connect(options),
}

export const openTcp = (deps: StreamTransportDeps, init: StreamTransportInit): Promise<SipTransport> =>
  openStreamTransport(TCP, deps, init)
