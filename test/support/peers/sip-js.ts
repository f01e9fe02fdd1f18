import {
  type Invitation,
  Inviter,
  Registerer,
  type Session,
  type SessionDescriptionHandler,
  SessionState,
  URI,
  UserAgent,
} from 'sip.js'
import type { IncomingResponse } from 'sip.js/lib/core/messages/incoming-response.js'
import { WebSocket } from 'ws'
import { SDP } from '../sip-messages.js'
import { Inbox } from '../sip-parties.js'
import { within } from '../wait.js'

/** SDP that a browser telephone would send and receive; there is no media here. */
class PlainDescriptions implements SessionDescriptionHandler {
  /** Descriptions of the peer. */
  readonly received: string[] = []

  close(): void {}

  getDescription(): Promise<{ body: string; contentType: string }> {
    return Promise.resolve({ body: SDP, contentType: 'application/sdp' })
  }

  hasDescription(contentType: string): boolean {
    return contentType === 'application/sdp'
  }

  setDescription(sdp: string): Promise<void> {
    this.received.push(sdp)
    return Promise.resolve()
  }

  rollbackDescription(): Promise<void> {
    return Promise.resolve()
  }

  sendDtmf(): boolean {
    return false
  }
}

interface SipJsInit {
  /** `ws://host:port/path` */
  server: string
  /** Address of record. */
  uri: string
  password?: string
  /** For wss: the certificate of the server, as PEM. */
  ca?: string
}

/** The user agent of sip.js, as in a browser, over a WebSocket of `ws`: an independent peer for SIP over WebSocket. */
export class SipJsPhone {
  readonly agent: UserAgent
  readonly invitations = new Inbox<Invitation>('a call to sip.js')
  /** Its timers go on without it. */
  #registerer: Registerer | undefined

  /** Connects. */
  static async start(init: SipJsInit): Promise<SipJsPhone> {
    const phone = new SipJsPhone(init)
    await within(phone.agent.start(), 'sip.js to connect')
    return phone
  }

  private constructor({ server, uri, password, ca }: SipJsInit) {
    // The transport of sip.js knows the WebSocket of browsers only.
    Object.assign(globalThis, {
      WebSocket: class extends WebSocket {
        constructor(url: string, protocols: string) {
          super(url, protocols, ca === undefined ? {} : { ca })
        }
      },
    })
    const aor = UserAgent.makeURI(uri)
    if (!(aor instanceof URI)) throw new Error(`${uri} is not a URI`)
    this.agent = new UserAgent({
      uri: aor,
      authorizationUsername: aor.user ?? '',
      ...(password === undefined ? {} : { authorizationPassword: password }),
      transportOptions: { server },
      logBuiltinEnabled: false,
      reconnectionAttempts: 0,
      gracefulShutdown: false,
      sessionDescriptionHandlerFactory: () => new PlainDescriptions(),
      delegate: { onInvite: (invitation) => this.invitations.put(invitation) },
    })
  }

  /** Requests for another user are answered 404. */
  get contactUser(): string {
    return this.agent.contact.uri.user ?? ''
  }

  /** Places a call; resolves when it is answered. */
  async call(target: string): Promise<Inviter> {
    const uri = UserAgent.makeURI(target)
    if (!uri) throw new Error(`${target} is not a URI`)
    const call = new Inviter(this.agent, uri)
    const established = stateOf(call, SessionState.Established)
    await call.invite()
    await established
    return call
  }

  /** Resolves with the status of the final response. */
  register(): Promise<number> {
    const registerer = new Registerer(this.agent, { expires: 60 })
    this.#registerer = registerer
    const answered = new Promise<number>((resolve) => {
      const onResponse = (response: IncomingResponse): void => resolve(response.message.statusCode ?? 0)
      void registerer.register({ requestDelegate: { onAccept: onResponse, onReject: onResponse } })
    })
    return within(answered, 'an answer to the REGISTER of sip.js')
  }

  async stop(): Promise<void> {
    await this.#registerer?.dispose()
    await within(this.agent.stop(), 'sip.js to stop')
  }
}

/** Resolves when a call of sip.js is in this state. */
export function stateOf(session: Session, wanted: SessionState): Promise<void> {
  const reached = new Promise<void>((resolve) => {
    if (session.state === wanted) resolve()
    session.stateChange.addListener((state) => {
      if (state === wanted) resolve()
    })
  })
  return within(reached, `a call of sip.js to be ${wanted}`)
}

/** A re-INVITE from sip.js; resolves with the status of its final response. */
export function reinvite(session: Session): Promise<number> {
  const answered = new Promise<number>((resolve, reject) => {
    const onResponse = (response: IncomingResponse): void => resolve(response.message.statusCode ?? 0)
    session.invite({ requestDelegate: { onAccept: onResponse, onReject: onResponse } }).catch(reject)
  })
  return within(answered, 'an answer to the re-INVITE of sip.js')
}
