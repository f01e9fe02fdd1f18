/** A party that places and takes calls, on real sockets and real media workers. */
import { systemClock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/logger.js'
import {
  type Call,
  type CallAccount,
  type CallDeps,
  type IncomingCallInit,
  placeCall,
  takeCall,
} from '../../src/call/call.js'
import type { CallEvent, CallEventType } from '../../src/call/call-event.js'
import type { MediaService } from '../../src/media/client.js'
import { openNames } from '../../src/sip/dns/open-names.js'
import type { SipDialog, UserAgent } from '../../src/sip/types.js'
import { Party } from './sip-parties.js'
import { uriOf } from './uri.js'
import { within } from './wait.js'

const { ours: names } = openNames()

/** The events of one call, and a way to await them. */
export class EventLog {
  readonly all: CallEvent[] = []
  #waiting: (() => void)[] = []

  readonly note = (event: CallEvent): void => {
    this.all.push(event)
    for (const look of this.#waiting.splice(0)) look()
  }

  get types(): CallEventType[] {
    return this.all.map(({ type }) => type)
  }

  get digits(): string {
    return this.all.map((event) => (event.type === 'call.digit' ? event.digit : '')).join('')
  }

  /** The first event of this type, at once if it came already. */
  first<T extends CallEventType>(type: T, timeoutMs = 10_000): Promise<CallEvent & { type: T }> {
    return within(this.#first(type), `event ${type} of a call`, timeoutMs)
  }

  async #first<T extends CallEventType>(type: T): Promise<CallEvent & { type: T }> {
    for (;;) {
      const found = this.all.find((event) => event.type === type)
      if (found) return found as CallEvent & { type: T }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }
}

export interface Conversation {
  call: Call
  events: EventLog
}

export const flowRule: IncomingCallInit['rule'] = {
  mode: 'flow',
  sendRinging: true,
  decideMs: 10_000,
  rejectStatus: 486,
}

export class Telephone {
  readonly party: Party
  readonly #media: MediaService
  readonly #changes: Partial<CallAccount>
  /** The dialog of the last call that was placed and answered. */
  dialog: SipDialog | undefined

  static async open(
    user: string,
    media: MediaService,
    changes: Partial<CallAccount> = {},
    party: Parameters<typeof Party.open>[1] = {},
  ): Promise<Telephone> {
    return new Telephone(await Party.open(user, party), media, changes)
  }

  private constructor(party: Party, media: MediaService, changes: Partial<CallAccount>) {
    this.party = party
    this.#media = media
    this.#changes = changes
  }

  get account(): CallAccount {
    const { user } = this.party
    return {
      id: user,
      name: user,
      identity: { uri: `sip:${user}@example.com`, user, displayName: '' },
      codecs: ['PCMA', 'PCMU'],
      rtp: { address: '127.0.0.1', advertise: '127.0.0.1', portMin: 30_000, portMax: 39_999 },
      dtmfToneMs: 100,
      mediaTimeoutMs: 20_000,
      exposeHeaders: [],
      ...this.#changes,
    }
  }

  call({ party }: Telephone, ringTimeoutMs = 10_000): Promise<Conversation> {
    return this.callTo({ uri: party.address, user: party.user }, ringTimeoutMs)
  }

  async callTo(target: { uri: string; user: string }, ringTimeoutMs = 10_000): Promise<Conversation> {
    const events = new EventLog()
    const call = await placeCall(this.#deps(), {
      account: this.account,
      owner: null,
      target: { uri: uriOf(target.uri), user: target.user },
      ringTimeoutMs,
      onEvent: events.note,
    })
    return { call, events }
  }

  /** The next call that comes in. */
  async take(rule = flowRule): Promise<Conversation> {
    const invite = await this.party.invites.next()
    const events = new EventLog()
    const call = takeCall(this.#deps(), invite, { account: this.account, owner: null, rule, onEvent: events.note })
    return { call, events }
  }

  #deps(): CallDeps {
    const { agent } = this.party
    const userAgent: UserAgent = {
      contactUri: agent.contactUri,
      publish: (address) => agent.publish(address),
      request: (init) => agent.request(init),
      invite: (init, handlers) =>
        agent.invite(init, {
          ...handlers,
          answered: (dialog, response) => {
            this.dialog = dialog
            handlers.answered(dialog, response)
          },
        }),
      adopt: (dialog) => agent.adopt(dialog),
      keepAlive: (to) => agent.keepAlive(to),
      openFlow: (target) => agent.openFlow(target),
      setBinding: (binding) => agent.setBinding(binding),
      setSources: (sources) => agent.setSources(sources),
      close: () => agent.close(),
    }
    const lookup = (name: string) => names.lookup(name).catch(() => [])
    return { clock: systemClock, log: silentLogger, media: this.#media, lookup, userAgent }
  }

  close(): Promise<void> {
    return this.party.close()
  }
}

/** A call that stands, answered by the callee. */
export async function talking(caller: Telephone, callee: Telephone): Promise<{ out: Conversation; in: Conversation }> {
  const taken = callee.take()
  const out = await caller.call(callee)
  const incoming = await taken
  await incoming.call.answer()
  await out.events.first('call.answered')
  return { out, in: incoming }
}
