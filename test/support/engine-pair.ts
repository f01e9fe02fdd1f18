/** Two accounts of one engine on loopback that call each other over real SIP and RTP sockets. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccountConfig, Engine, EngineEvents, EngineInit, InboundRule } from '../../src/engine/protocol.js'

type CallEvent = EngineEvents['call']
type CallEventOf<Type extends CallEvent['type']> = Extract<CallEvent, { type: Type }>

export const ANSWER: InboundRule = {
  mode: 'answer',
  sendRinging: false,
  decideMs: 5_000,
  rejectStatus: 480,
  owner: null,
}
export const BY_FLOW: InboundRule = { ...ANSWER, mode: 'flow', sendRinging: true }

export function engineInit(init: Partial<EngineInit> = {}): EngineInit & { folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'ringflow-engine-'))
  return { mediaRoots: [folder], recordRoot: folder, logLevel: 'silent', ...init, folder }
}

export const loopbackAccount = (id: string, init: Partial<AccountConfig> = {}): AccountConfig => ({
  id,
  name: id,
  transport: {
    id: `transport-${id}`,
    name: '',
    bindAddress: '127.0.0.1',
    ports: { udp: 0 },
    publicAddress: '',
    userAgent: 'ringflow-test',
    rtpPortMin: 20_000,
    rtpPortMax: 29_999,
  },
  proxy: null,
  aor: `${id}@127.0.0.1`,
  displayName: '',
  authUser: '',
  password: '',
  registrar: '',
  register: false,
  expiresSec: 600,
  codecs: ['PCMA', 'PCMU'],
  ringTimeoutMs: 10_000,
  dtmfToneMs: 100,
  maxCalls: 100,
  inboundFrom: 'known',
  allowedSources: [],
  exposeHeaders: [],
  mediaTimeoutMs: 0,
  orphanedCalls: 'hangup',
  ...init,
})

/** Keeps every event, and waits for one that may have come already. */
export class Heard {
  readonly events: CallEvent[] = []
  readonly #waiting = new Set<() => void>()

  constructor(engine: Engine) {
    engine.on('call', (event) => {
      this.events.push(event)
      for (const look of [...this.#waiting]) look()
    })
  }

  next<Type extends CallEvent['type']>(
    type: Type,
    matches: (event: CallEventOf<Type>) => boolean = () => true,
  ): Promise<CallEventOf<Type>> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.events.find((event) => event.type === type && matches(event as CallEventOf<Type>))
        if (!found) return
        this.#waiting.delete(look)
        resolve(found as CallEventOf<Type>)
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** Resolves when that many digits have come on that call. */
  async digits(callId: string, count: number): Promise<string> {
    const pressed = () => this.events.flatMap((e) => (e.callId === callId && e.type === 'call.digit' ? [e.digit] : []))
    await this.next('call.digit', () => pressed().length >= count)
    return pressed().join('')
  }
}

/** A caller and a callee; the callee's address is the target to dial. */
export async function twoAccounts(engine: Engine, rule: InboundRule = ANSWER, changes: Partial<AccountConfig> = {}) {
  await engine.call('setAccount', loopbackAccount('caller', changes))
  const { local } = await engine.call('setAccount', loopbackAccount('callee', changes))
  await engine.call('setInbound', { accountId: 'callee', rule })
  return { target: `sip:callee@${local.host}:${local.port}`, local }
}
