import type {
  AccountSources,
  FinalResponse,
  SipEndpoint,
  SipEndpointInit,
  TlsSettings,
  UserAgent,
  UserAgentInit,
} from '../../src/sip/types.js'
import { FakeUserAgent, response } from './fake-user-agent.js'

interface Sent {
  method: string
  target: string
  expires: string
  contactParams: string
}

/** The user agent of an endpoint without a socket: REGISTER is answered 200, or as the test says. */
export class FakeAccountAgent extends FakeUserAgent {
  override readonly contactUri: string
  readonly init: UserAgentInit
  readonly sent: Sent[] = []
  closed = false
  /** What a REGISTER gets; undefined: no answer ever. */
  registrar: number | undefined = 200
  /** The `rport` and `received` of its Via, as the registrar sees them. */
  seen = ''
  readonly published: { host: string; port: number }[] = []

  constructor(init: UserAgentInit, at: string) {
    super()
    this.init = init
    this.sources = init.sources
    this.contactUri = `sip:${init.contactUser}@${at}`
  }

  override async request(
    init: Parameters<UserAgent['request']>[0] = { method: '', target: '', sipCallId: '', cseq: 0 },
  ): Promise<{ response: FinalResponse; cseq: number }> {
    const { method, target } = init
    this.sent.push({
      method,
      target: String(target),
      contactParams: init.contactParams ?? '',
      expires: init.headers?.find(([name]) => name === 'Expires')?.[1] ?? '',
    })
    if (this.registrar === undefined) return new Promise(() => {})
    const headers = { Via: this.seen ? `SIP/2.0/UDP 127.0.0.1;${this.seen}` : '' }
    return { response: response(this.registrar, { headers }), cseq: init.cseq }
  }

  override publish(address: { host: string; port: number } | undefined): boolean {
    if (address) this.published.push(address)
    return true
  }

  /** What it was told last. */
  sources: AccountSources | undefined

  override setSources(sources: AccountSources): void {
    this.sources = sources
  }

  override close(): void {
    this.closed = true
  }
}

export class FakeEndpoint implements SipEndpoint {
  readonly init: SipEndpointInit
  readonly local: SipEndpoint['local']
  readonly advertised: SipEndpoint['advertised']
  readonly agents: FakeAccountAgent[] = []
  closed = false
  /** What a REGISTER of its agents gets. */
  registrar: number | undefined = 200

  constructor(init: SipEndpointInit, port: number) {
    this.init = init
    this.local = { protocol: init.listeners[0]?.protocol ?? 'udp', host: init.host, port }
    this.advertised = { host: init.advertise?.host ?? init.host, port: init.advertise?.port ?? port }
  }

  get listeners(): SipEndpoint['listeners'] {
    return this.init.listeners.map(({ protocol }) => ({ ...this.local, protocol }))
  }

  createUserAgent(init: UserAgentInit): FakeAccountAgent {
    const taken = this.agents.some((agent) => !agent.closed && agent.init.contactUser === init.contactUser)
    if (taken) throw new Error('two user agents with one contact')
    const agent = new FakeAccountAgent(init, `${this.advertised.host}:${this.advertised.port}`)
    agent.registrar = this.registrar
    this.agents.push(agent)
    return agent
  }

  isTraced = false
  readonly renewedTls: TlsSettings[] = []

  async renewTls(settings: TlsSettings): Promise<void> {
    this.renewedTls.push(settings)
  }

  /** What a STUN server answers. */
  mapped: { host: string; port: number } | undefined = { host: '203.0.113.77', port: 40_000 }
  readonly stunServers: { host: string; port: number }[] = []

  async publicAddress(server: { host: string; port: number }): Promise<{ host: string; port: number }> {
    this.stunServers.push(server)
    if (!this.mapped) throw new Error('no answer')
    return this.mapped
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

/** Opens endpoints as the system would: a port that is in use is refused. */
export class FakeNetwork {
  readonly endpoints: FakeEndpoint[] = []
  /** What this machine's routing says. */
  localAddress = '127.0.0.1'
  /** What this machine's interfaces have. */
  addresses = ['127.0.0.1', '192.0.2.77']
  /** Set to have `open` wait. */
  gate: Promise<void> | undefined
  /** What a REGISTER from a new endpoint gets; undefined: no answer ever. */
  registrar: number | undefined = 200
  #nextPort = 50_000

  readonly open = async (init: SipEndpointInit): Promise<FakeEndpoint> => {
    await this.gate
    const [first] = init.listeners
    const rival = this.live.find(({ listeners }) =>
      listeners.some(({ protocol, host, port }) =>
        init.listeners.some((wanted) => wanted.protocol === protocol && host === init.host && wanted.port === port),
      ),
    )
    if (rival) throw Object.assign(new Error('bind'), { code: 'EADDRINUSE' })
    const endpoint = new FakeEndpoint(init, first?.port || this.#nextPort++)
    endpoint.registrar = this.registrar
    this.endpoints.push(endpoint)
    return endpoint
  }

  get live(): FakeEndpoint[] {
    return this.endpoints.filter((endpoint) => !endpoint.closed)
  }

  /** The newest user agent that takes requests for this address of record. */
  agent(aor: string): FakeAccountAgent {
    const agents = this.endpoints.flatMap((endpoint) => endpoint.agents)
    const found = agents.filter((agent) => agent.init.aor === `sip:${aor}` && !agent.closed).at(-1)
    if (!found) throw new Error(`no user agent for ${aor}`)
    return found
  }
}
