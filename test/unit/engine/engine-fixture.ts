import type { Lookup } from '../../../src/account/policy.js'
import { TelephonyError } from '../../../src/base/errors.js'
import type { CallEvent } from '../../../src/call/call-event.js'
import { EngineTrace } from '../../../src/engine/engine-trace.js'
import type { Destination } from '../../../src/engine/local-address.js'
import type { AccountConfig, InboundRule, TransportConfig } from '../../../src/engine/protocol.js'
import { TelephonyEngine } from '../../../src/engine/telephony-engine.js'
import { createLogger } from '../../../src/trace/logger.js'
import { FakeClock } from '../../support/fake-clock.js'
import { FakeNetwork } from '../../support/fake-endpoint.js'
import { FakeMedia } from '../../support/fake-media.js'

export const transport = (init: Partial<TransportConfig> = {}): TransportConfig => ({
  id: 't1',
  name: 'transport',
  bindAddress: '127.0.0.1',
  ports: { udp: 5060 },
  publicAddress: '',
  userAgent: 'test',
  rtpPortMin: 10_000,
  rtpPortMax: 20_000,
  ...init,
})

export const account = (init: Partial<AccountConfig> = {}): AccountConfig => ({
  id: 'a1',
  name: 'alice',
  transport: transport(),
  proxy: null,
  aor: 'alice@127.0.0.1',
  displayName: '',
  authUser: '',
  password: 'canary-password',
  registrar: '',
  register: false,
  expiresSec: 600,
  codecs: ['PCMA'],
  ringTimeoutMs: 30_000,
  dtmfToneMs: 160,
  maxCalls: 2,
  inboundFrom: 'anyone',
  allowedSources: [],
  exposeHeaders: [],
  mediaTimeoutMs: 20_000,
  orphanedCalls: 'hangup',
  ...init,
})

export const answerRule: InboundRule = {
  mode: 'answer',
  sendRinging: false,
  decideMs: 20_000,
  rejectStatus: 486,
  owner: 'node-1',
}

/** A whole engine over a network and media that need no sockets. */
export function makeEngine(lookup: Lookup = async (host) => [host]) {
  const clock = new FakeClock()
  const network = new FakeNetwork()
  const media = new FakeMedia()
  const lines: string[] = []
  const log = createLogger({ level: 'debug', sink: (_level, line) => lines.push(line) })
  const asked: Destination[] = []
  const localAddress = async (peer: Destination) => {
    asked.push(peer)
    return network.localAddress
  }
  const names = { host: lookup, servers: lookup, hostOfPeer: lookup, close() {} }
  const trace = new EngineTrace({ secrets: log.secrets, media, tell: () => undefined }, { live: false })
  const engine = new TelephonyEngine(
    { clock, log, media, trace, openEndpoint: network.open, names, localAddress, addresses: () => network.addresses },
    { mediaRoots: [], recordRoot: '/nonexistent', logLevel: 'debug' },
  )
  const calls: CallEvent[] = []
  engine.on('call', (event) => calls.push(event))
  return { clock, network, media, engine, commands: engine.commands, calls, lines, asked }
}

export const settled = async (): Promise<void> => {
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
}

export const withCode = (code: string) => (error: unknown) => error instanceof TelephonyError && error.code === code
