import { type Logger, silentLogger } from '../../src/base/logger.js'
import { octetsOf } from '../../src/base/octets.js'
import { AccountUserAgent } from '../../src/sip/account-user-agent.js'
import { Accounts } from '../../src/sip/accounts.js'
import { SourceLimits } from '../../src/sip/admission/source-limits.js'
import { DialogIndex } from '../../src/sip/dialog/dialog-index.js'
import { Dispatcher } from '../../src/sip/dispatcher.js'
import { Inbound } from '../../src/sip/inbound.js'
import { Router } from '../../src/sip/router.js'
import { Sender } from '../../src/sip/sender.js'
import type { Service } from '../../src/sip/service.js'
import { Transactions } from '../../src/sip/transaction/transactions.js'
import type { SipTransport } from '../../src/sip/transport/transport.js'
import type { SipAddress, UserAgent, UserAgentInit } from '../../src/sip/types.js'
import { parseUri, type SipUri } from '../../src/sip/uri/sip-uri.js'
import type { FakeClock } from './fake-clock.js'

interface MemoryEndpointInit {
  clock: FakeClock
  host: string
  /** Gets each message that the endpoint sends. */
  send(text: string, to: SipAddress): void
  agent: Pick<UserAgentInit, 'handlers'> & Partial<UserAgentInit>
  /** Asked before the accounts. */
  services?: readonly Service[]
  /** The services alone decide. */
  withoutAccount?: boolean
  /** Default: a name is its own address. */
  resolve?: (name: string) => Promise<string>
  /** Opens a TCP connection, for requests that are too large for a datagram. Default: there is no TCP. */
  connect?: () => Promise<void>
  log?: Logger
}

/** An endpoint without sockets: the parts of the SIP layer joined as in life, over UDP by `send` and `receive`. */
export class MemoryEndpoint {
  readonly address: SipAddress
  readonly dialogs = new DialogIndex()
  readonly transactions: Transactions
  readonly agent: UserAgent
  readonly #sender: Sender
  readonly #inbound: Inbound
  #isClosed = false

  constructor({ clock, host, send, agent, services = [], log = silentLogger, ...init }: MemoryEndpointInit) {
    this.address = { protocol: 'udp', host, port: 5060 }
    const router = new Router({
      clock,
      log,
      resolve: init.resolve ?? (async (name) => name),
      transports: [
        this.#transport(this.address, send),
        ...(init.connect ? [this.#transport({ ...this.address, protocol: 'tcp' }, send, init.connect)] : []),
      ],
      advertised: () => this.address,
      trace() {},
    })
    this.transactions = new Transactions({ clock, log })
    this.#sender = new Sender({ clock, router, transactions: this.transactions })
    const accounts = new Accounts()
    const flowBack: Router['flowBack'] = (via, source) => router.flowBack(via, source)
    const dispatcher = new Dispatcher({
      clock,
      log,
      services: init.withoutAccount ? services : [...services, accounts],
      dialogs: this.dialogs,
      transactions: this.transactions,
      limits: new SourceLimits(clock),
      reply: (request, refusal) => this.#inbound.reply(request, refusal),
      flowBack,
    })
    this.#inbound = new Inbound({
      log,
      request: (message) => dispatcher.receiveRequest(message),
      response: (message) => dispatcher.receiveResponse(message),
      answers: (source) => dispatcher.answers(source),
      flowBack,
    })
    const aor = uri(`sip:user@${host}`)
    const account: UserAgentInit = {
      aor: aor.text,
      displayName: '',
      contactUser: 'user',
      routeSet: [],
      authenticator: { answer: () => undefined },
      ...agent,
    }
    const user = new AccountUserAgent(
      {
        clock,
        log,
        init: account,
        aor,
        contactUri: aor.text,
        contactLine: `Contact: <${aor.text}>`,
        userAgentLines: [],
        prefer: undefined,
        sender: this.#sender,
        dialogs: this.dialogs,
        canReach: (target) => router.canReach(target),
        keepAlive() {},
        routeSetTo: () => [],
      },
      accounts,
    )
    accounts.add(user)
    this.agent = user
  }

  #transport(
    local: SipAddress,
    send: MemoryEndpointInit['send'],
    connect = async (): Promise<void> => {},
  ): SipTransport {
    return {
      local,
      send: async (text, to) => {
        if (this.#isClosed) throw new Error('closed')
        send(text, to)
      },
      connect,
      isConnected: () => false,
      suspect() {},
      close: async () => {},
    }
  }

  receive(text: string, from: SipAddress): void {
    this.#inbound.receive(octetsOf(text), from)
  }

  /** How much it keeps: 0 when everything is over. */
  get kept(): number {
    const { clients, servers } = this.transactions.size
    return this.dialogs.kept + clients + servers
  }

  close(): void {
    this.dialogs.close()
    this.#sender.close('Endpoint closed')
    this.transactions.close('Endpoint closed')
    this.#isClosed = true
  }
}

function uri(text: string): SipUri {
  const parsed = parseUri(text)
  if (!parsed) throw new Error(`${text} is not a URI`)
  return parsed
}
