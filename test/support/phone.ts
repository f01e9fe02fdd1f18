import { hostPort } from '../../src/base/host-port.js'
import { newToken } from '../../src/base/ids.js'
import type { CallEvent, CallEventType } from '../../src/call/call-event.js'
import { startHostedEngine, startLocalEngine } from '../../src/engine/client.js'
import type {
  AccountConfig,
  DialCommand,
  Engine,
  EngineCommands,
  EngineEvents,
  EngineInit,
  InboundRule,
  RegistrationState,
  TransportConfig,
} from '../../src/engine/protocol.js'

export type EventOf<Type extends CallEventType> = Extract<CallEvent, { type: Type }>

export interface PhoneInit {
  /** For recordings. */
  folder: string
  account?: Partial<Omit<AccountConfig, 'id' | 'transport'>>
  transport?: Partial<Omit<TransportConfig, 'id'>>
  inbound?: Partial<InboundRule>
  /** In place of the system's: `127.0.0.1:5300`. */
  dnsServers?: string[]
  /** In a worker, as Node-RED has it. */
  hosted?: boolean
  /** Keeps every SIP message, see `traces`. */
  trace?: boolean
  /** Keeps the log of a hosted engine, see `logLines`. */
  logLevel?: EngineInit['logLevel']
  /** Keeps every event unless false: a benchmark counts memory. */
  keepEvents?: boolean
}

const ANSWER_AT_ONCE: InboundRule = {
  mode: 'answer',
  sendRinging: true,
  decideMs: 10_000,
  rejectStatus: 486,
  owner: null,
}

const open = new Set<Phone>()

/** For root hooks: whatever a failed test left behind. */
export async function closeAllPhones(): Promise<void> {
  await Promise.all([...open].map((phone) => phone.close()))
}

/** One engine with one account on loopback, as a test's hand on it. Every event is kept, so that none can be missed. */
export class Phone {
  readonly engine: Engine
  /** As it was set. */
  readonly account: AccountConfig
  readonly events: CallEvent[] = []
  readonly registrations: RegistrationState[] = []
  readonly traces: EngineEvents['trace'][] = []
  readonly logLines: string[] = []
  /** Looked at again whenever something has happened. */
  readonly #looks = new Set<() => void>()
  /** `events` of each call: a thousand calls are waited for at once. */
  readonly #ofCall = new Map<string, CallEvent[]>()

  #address = ''

  private constructor(engine: Engine, account: AccountConfig) {
    this.engine = engine
    this.account = account
  }

  get accountId(): string {
    return this.account.id
  }

  /** Where it listens: `host:port`. */
  get address(): string {
    return this.#address
  }

  static async start(init: PhoneInit): Promise<Phone> {
    const start = init.hosted ? startHostedEngine : startLocalEngine
    const traceSip = init.trace ?? false
    const engine = await start({
      mediaRoots: [init.folder],
      recordRoot: init.folder,
      logLevel: init.logLevel ?? 'silent',
      traceSip,
      ...(init.dnsServers && { dnsServers: init.dnsServers }),
    })
    const account = accountOf(init)
    try {
      const phone = new Phone(engine, account)
      phone.#listen(init.keepEvents ?? true)
      const { local } = await engine.call('setAccount', account)
      phone.#address = hostPort(local)
      if (init.inbound) {
        await engine.call('setInbound', { accountId: account.id, rule: { ...ANSWER_AT_ONCE, ...init.inbound } })
      }
      open.add(phone)
      return phone
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  #listen(keepEvents: boolean): void {
    const happened = () => {
      for (const look of [...this.#looks]) look()
    }
    this.engine.on('call', (event) => {
      if (keepEvents) this.#keep(event)
      happened()
    })
    this.engine.on('registration', ({ registration }) => {
      this.registrations.push(registration)
      happened()
    })
    this.engine.on('log', ({ line }) => this.logLines.push(line))
    this.engine.on('trace', (trace) => {
      this.traces.push(trace)
      happened()
    })
  }

  #keep(event: CallEvent): void {
    this.events.push(event)
    const others = this.#ofCall.get(event.callId)
    if (others) others.push(event)
    else this.#ofCall.set(event.callId, [event])
  }

  /** What `find` gives as soon as it gives something. */
  #until<T>(find: () => T | undefined, timeoutMs: number, wanted: () => string): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        this.#looks.delete(look)
      }
      const look = () => {
        const found = find()
        if (found === undefined) return
        end()
        resolve(found)
      }
      const timer = setTimeout(() => {
        end()
        reject(new Error(`within ${timeoutMs} ms ${wanted()}`))
      }, timeoutMs)
      this.#looks.add(look)
      look()
    })
  }

  /** The first event of this type, or the one after `skip` others, past ones too, of this call or of any. */
  event<Type extends CallEventType>(
    type: Type,
    options: { callId?: string; timeoutMs?: number; skip?: number; where?: (event: EventOf<Type>) => boolean } = {},
  ): Promise<EventOf<Type>> {
    const { callId, timeoutMs = 10_000, skip = 0, where = () => true } = options
    const ofCall = () => (callId === undefined ? this.events : (this.#ofCall.get(callId) ?? []))
    const isOfType = (event: CallEvent): event is EventOf<Type> => event.type === type
    return this.#until(
      () => ofCall().filter(isOfType).filter(where)[skip],
      timeoutMs,
      () =>
        `no ${type}, only: ${ofCall()
          .map((event) => event.type)
          .join(' ')}`,
    )
  }

  /** The `count`th time that the registration was in this state, counted from the start. */
  registration<State extends RegistrationState['state']>(
    state: State,
    { count = 1, timeoutMs = 10_000 } = {},
  ): Promise<Extract<RegistrationState, { state: State }>> {
    type Found = Extract<RegistrationState, { state: State }>
    const isInState = (registration: RegistrationState): registration is Found => registration.state === state
    return this.#until(
      () => this.registrations.filter(isInState)[count - 1],
      timeoutMs,
      () => `not ${state} (${count}), only: ${JSON.stringify(this.registrations)}`,
    )
  }

  /** The `count`th SIP message whose first line matches. Needs `trace`. */
  message(direction: 'in' | 'out', startLine: RegExp, { count = 1, timeoutMs = 10_000 } = {}): Promise<string> {
    return this.#until(
      () => this.messages(direction, startLine)[count - 1],
      timeoutMs,
      () => `no ${startLine} (${count}) went ${direction}`,
    )
  }

  /** Records what is heard for so long; gives the file. */
  async hear(callId: string, durationMs: number): Promise<string> {
    const mediaId = newToken(4)
    const { path } = await this.call('startRecord', { callId, mediaId, file: '', maxMs: durationMs })
    await this.event('call.record-ended', { callId, where: (event) => event.mediaId === mediaId })
    return path
  }

  async dial(target: string, options: Partial<DialCommand> = {}): Promise<string> {
    const { callId } = await this.engine.call('dial', { accountId: this.accountId, target, ...options })
    return callId
  }

  call<Op extends keyof EngineCommands>(
    op: Op,
    arg: Parameters<EngineCommands[Op]>[0],
  ): Promise<Awaited<ReturnType<EngineCommands[Op]>>> {
    return this.engine.call(op, arg)
  }

  /** SIP messages so far whose first line matches. Needs `trace`. */
  messages(direction: 'in' | 'out', startLine: RegExp): string[] {
    return this.traces
      .filter((trace) => trace.direction === direction && startLine.test(trace.text.split('\r\n')[0] ?? ''))
      .map((trace) => trace.text)
  }

  close(): Promise<void> {
    open.delete(this)
    return this.engine.close()
  }
}

function accountOf(init: PhoneInit): AccountConfig {
  const id = `phone-${newToken(4)}`
  return {
    id,
    name: id,
    transport: {
      id: `${id}-transport`,
      name: 'loopback',
      bindAddress: '127.0.0.1',
      ports: { udp: 0 },
      publicAddress: '',
      userAgent: 'ringflow-test',
      rtpPortMin: 10_000,
      rtpPortMax: 19_999,
      ...init.transport,
    },
    proxy: null,
    aor: 'ringflow@127.0.0.1',
    displayName: '',
    authUser: '',
    password: '',
    registrar: '',
    register: false,
    expiresSec: 600,
    codecs: ['PCMA', 'PCMU'],
    ringTimeoutMs: 10_000,
    dtmfToneMs: 100,
    maxCalls: 2000,
    inboundFrom: 'anyone',
    // Known, so that the limits for strangers leave benchmarks alone.
    allowedSources: ['127.0.0.0/8'],
    exposeHeaders: [],
    mediaTimeoutMs: 0,
    orphanedCalls: 'keep',
    ...init.account,
  }
}
