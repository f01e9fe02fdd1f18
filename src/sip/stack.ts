import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { hostPort, uriHost } from '../base/host-port.js'
import type { Logger } from '../base/logger.js'
import { AccountUserAgent } from './account-user-agent.js'
import { Accounts } from './accounts.js'
import { SourceLimits } from './admission/source-limits.js'
import { DialogIndex } from './dialog/dialog-index.js'
import { Dispatcher } from './dispatcher.js'
import type { NextHops } from './dns/next-hops.js'
import { Inbound } from './inbound.js'
import { checkText } from './message/header-check.js'
import { Router } from './router.js'
import { Sender } from './sender.js'
import type { Service } from './service.js'
import { Transactions } from './transaction/transactions.js'
import type { Family } from './transport/address.js'

import type { Flow } from './transport/flow.js'
import type { SipTransport } from './transport/transport.js'
import type { UserAgentInit } from './types.js'

import { parseUri, type SipUri } from './uri/sip-uri.js'
import { type AccountContext, guarded } from './user-agent/account-context.js'
import { Contacts } from './user-agent/contacts.js'
import { Routes } from './user-agent/routes.js'

interface SipStackDeps {
  clock: Clock
  log: Logger
  nextHops: NextHops
  /** Of the endpoint's local address. */
  family: Family
  /** The open ones; the first is preferred. */
  transports: readonly SipTransport[]
}

interface SipStackInit {
  /** Value of User-Agent; '' for none. */
  userAgent: string
  /** The services in the order in which they are asked. Default: the accounts alone. */
  services?: (accounts: Service) => readonly Service[]
}

/** The layers of one endpoint joined together, above its transports. */
export class SipStack {
  readonly accounts = new Accounts()
  readonly dialogs = new DialogIndex()
  readonly transactions: Transactions
  readonly #deps: SipStackDeps
  readonly #init: SipStackInit
  readonly #router: Router
  readonly #sender: Sender
  readonly #inbound: Inbound

  constructor(deps: SipStackDeps, init: SipStackInit) {
    const { clock, log } = deps
    this.#deps = deps
    this.#init = { ...init, userAgent: checkText('User-Agent', init.userAgent) }
    this.#router = new Router(deps)
    this.transactions = new Transactions({ clock, log })
    this.#sender = new Sender({ clock, router: this.#router, transactions: this.transactions })
    const flowBack: Router['flowBack'] = (via, flow) => this.#router.flowBack(via, flow)
    const dispatcher = new Dispatcher({
      clock,
      log,
      services: init.services?.(this.accounts) ?? [this.accounts],
      dialogs: this.dialogs,
      transactions: this.transactions,
      limits: new SourceLimits(clock),
      reply: (request, refusal) => this.#inbound.reply(request, refusal),
      wayBack: (request) => {
        if (!request.flow) throw new Error('a request that came by no flow')
        return flowBack(request.via, request.flow)
      },
    })
    this.#inbound = new Inbound({
      log,
      request: (message) => dispatcher.receiveRequest(message),
      response: (message) => dispatcher.receiveResponse(message),
      answers: (source) => dispatcher.answers(source),
      flowBack,
    })
  }

  receive(bytes: Buffer, flow: Flow): void {
    this.#inbound.receive(bytes, flow)
  }

  /** The head of a request whose end cannot be found on a stream (RFC 3261 18.3). */
  refuse(...refused: Parameters<Inbound['refuse']>): void {
    this.#inbound.refuse(...refused)
  }

  createUserAgent(init: UserAgentInit): AccountUserAgent {
    const agent = new AccountUserAgent(this.#accountContext(init), this.accounts)
    if (this.accounts.add(agent)) return agent
    throw new TelephonyError('BAD_CONFIG', `another account of this endpoint has the Contact user ${init.contactUser}`)
  }

  /** A connection has ended: requests without an answer there will have none (RFC 3261 8.1.3.1, 17.1.4). */
  flowEnded(flow: Flow): void {
    const { remote, isOurs, whyEnded } = flow
    this.transactions.flowEnded(flow, whyEnded ?? `the connection to ${hostPort(remote)} has ended`)
    if (!isOurs) return
    for (const { init } of this.accounts.all()) {
      guarded(this.#deps.log, 'flowLost', () => init.handlers.flowLost?.(remote))
    }
  }

  close(reason: string): void {
    this.dialogs.close()
    this.#sender.close(reason)
    this.transactions.close(reason)
  }

  #accountContext(init: UserAgentInit): AccountContext {
    const { clock, log, transports } = this.#deps
    const { userAgent } = this.#init
    const first = transports[0]?.protocol ?? 'udp'
    const prefer = init.protocol ?? (first === 'udp' ? undefined : first)
    const protocol = prefer ?? first
    const address = transports.find((each) => each.protocol === protocol)?.listener?.advertised
    this.#router.speak(protocol)
    checkText('display name', init.displayName)
    accountUri(`sip:${init.contactUser}@${uriHost(address?.host ?? 'invalid')}`)
    return {
      clock,
      log,
      init,
      aor: accountUri(init.aor),
      contacts: new Contacts({ user: init.contactUser, home: address && { protocol, address } }),
      // RFC 3261 20.41: optional, but never empty.
      userAgentLines: userAgent === '' ? [] : [`User-Agent: ${userAgent}`],
      prefer,
      sender: this.#sender,
      dialogs: this.dialogs,
      canReach: (uri) => this.#router.canReach(uri),
      keepAlive: (to) => this.#router.keepAlive(to),
      openFlow: (uri) => this.#router.open(uri, prefer),
      routes: new Routes(init),
    }
  }
}

function accountUri(text: string): SipUri {
  const uri = parseUri(text)
  if (uri && uri.host !== '') return uri
  throw new TelephonyError('BAD_CONFIG', `${JSON.stringify(text)} is not a SIP address`)
}
