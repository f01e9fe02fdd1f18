import { glareMs, offerRetryMs } from '../../src/sip/dialog/offer-retry.js'
import type {
  AccountBinding,
  AccountSources,
  FinalResponse,
  HeaderField,
  IncomingInvite,
  IncomingRequest,
  OutgoingInvite,
  OutgoingInviteHandlers,
  OutgoingInviteInit,
  SipAddress,
  SipBody,
  SipDialog,
  SipDialogHandlers,
  SipMessage,
  SipRequest,
  SipResponse,
  UserAgent,
} from '../../src/sip/types.js'

const SOURCE = { protocol: 'udp', host: '192.0.2.9', port: 5060 } as const

function message(init: { method: string; body?: SipBody; headers?: Record<string, string> }): SipMessage {
  const headers = new Map(Object.entries(init.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
  const value = (name: string) => headers.get(name.toLowerCase())
  return {
    callId: 'peer-call-id',
    cseq: 1,
    method: init.method,
    from: { uri: 'sip:bob@example.com', user: 'bob', host: 'example.com', displayName: 'Bob', tag: 'bobtag' },
    to: { uri: 'sip:alice@example.com', user: 'alice', host: 'example.com', displayName: '' },
    header: value,
    headers: (name) => (value(name) === undefined ? [] : [value(name) as string]),
    ...(init.body ? { body: init.body } : {}),
    source: SOURCE,
  }
}

export const sdpBody = (content: string): SipBody => ({ contentType: 'application/sdp', content })

export function request(method: string, init: { body?: SipBody; headers?: Record<string, string> } = {}): SipRequest {
  return { ...message({ method, ...init }), uri: 'sip:alice@192.0.2.1', uriUser: 'alice' }
}

export function response(
  status: number,
  init: { body?: SipBody; headers?: Record<string, string>; reason?: string } = {},
): SipResponse {
  return { ...message({ method: 'INVITE', ...init }), status, reason: init.reason ?? `Status ${status}` }
}

/** SIP without sockets: what was sent stands in lists, what comes is called by the test. */
export class FakeUserAgent implements UserAgent {
  readonly contactUri: string = 'sip:alice@192.0.2.1:5060'
  readonly invites: FakeOutgoingInvite[] = []
  inviteError: Error | undefined
  readonly keptAlive: SipAddress[] = []

  get invite0(): FakeOutgoingInvite {
    const invite = this.invites[0]
    if (!invite) throw new Error('no INVITE was sent')
    return invite
  }

  async request(): Promise<{ response: FinalResponse; cseq: number }> {
    throw new Error('calls send no requests outside of dialogs')
  }

  invite(init: OutgoingInviteInit, handlers: OutgoingInviteHandlers): OutgoingInvite {
    if (this.inviteError) throw this.inviteError
    const invite = new FakeOutgoingInvite(init, handlers)
    this.invites.push(invite)
    return invite
  }

  /** What the registrar has told. */
  binding: AccountBinding | undefined

  setBinding(binding: AccountBinding | undefined): void {
    this.binding = binding
  }

  async openFlow(): Promise<SipAddress> {
    return SOURCE
  }

  /** Dialogs that go on here. */
  readonly adopted: SipDialog[] = []

  adopt(dialog: SipDialog): void {
    this.adopted.push(dialog)
  }

  publish(_address: { host: string; port: number } | undefined): boolean {
    return false
  }

  keepAlive(to: SipAddress): void {
    this.keptAlive.push(to)
  }

  setSources(_sources: AccountSources): void {}

  close(): void {}
}

export class FakeOutgoingInvite implements OutgoingInvite {
  readonly fromTag: string
  readonly cseq: number
  readonly init: OutgoingInviteInit
  readonly handlers: OutgoingInviteHandlers
  cancels = 0
  /** As most peers do: 487 comes at once. */
  answersCancel = true

  constructor(init: OutgoingInviteInit, handlers: OutgoingInviteHandlers) {
    this.init = init
    this.handlers = handlers
    this.fromTag = init.after?.fromTag ?? 'alicetag'
    this.cseq = (init.after?.cseq ?? 0) + 1
  }

  cancelReason: string | undefined

  cancel(reason?: string): void {
    this.cancels++
    this.cancelReason = reason
    if (this.answersCancel) queueMicrotask(() => this.handlers.failed(response(487, { reason: 'Request Terminated' })))
  }

  answer(body?: SipBody, headers: Record<string, string> = {}, dialog = new FakeDialog()): FakeDialog {
    this.handlers.answered(dialog, response(200, { headers, ...(body ? { body } : {}) }))
    return dialog
  }
}

export class FakeIncomingInvite implements IncomingInvite {
  readonly request: SipRequest
  isReliable = false
  readonly progresses: number[] = []
  readonly progressBodies: (SipBody | undefined)[] = []
  readonly accepts: { headers?: readonly HeaderField[]; body: SipBody }[] = []
  readonly rejects: { status: number; reason?: string; headers?: readonly HeaderField[] }[] = []
  handlers: IncomingInvite['handlers'] = {}
  readonly dialog = new FakeDialog(false)
  acceptError: Error | undefined

  constructor(body?: SipBody, headers: Record<string, string> = {}) {
    this.request = request('INVITE', { headers, ...(body ? { body } : {}) })
  }

  progress(status: number, init: { body?: SipBody } = {}): void {
    this.progresses.push(status)
    this.progressBodies.push(init.body)
  }

  accept(init: { headers?: readonly HeaderField[]; body: SipBody }): SipDialog {
    if (this.acceptError) throw this.acceptError
    this.accepts.push(init)
    return this.dialog
  }

  reject(status: number, init: { reason?: string; headers?: readonly HeaderField[] } = {}): void {
    this.rejects.push({ status, ...init })
  }

  cancel(reasons: readonly string[] = []): void {
    this.handlers.cancelled?.(reasons)
  }
}

export class FakeDialog implements SipDialog {
  readonly sipCallId: string = 'call-id'
  readonly localTag: string = 'local'
  readonly remoteTag: string = 'remote'
  readonly remoteUri: string = 'sip:bob@example.com'
  handlers: SipDialogHandlers = {}
  byes = 0
  answersBye = true

  /** Methods that were sent within the dialog. */
  readonly requests: string[] = []
  /** Their headers and bodies. */
  readonly sent: { method: string; headers: Map<string, string>; body: string }[] = []
  /** While it waits, requests have no answer. */
  gate: Promise<void> | undefined
  readonly requestBodies: (SipBody | undefined)[] = []
  readonly reinvites: SipBody[] = []
  /** What the next requests are answered; 200 where nothing is left. */
  readonly answers: (FinalResponse | Error)[] = []

  async request(method = '', init: { headers?: readonly HeaderField[]; body?: SipBody } = {}): Promise<FinalResponse> {
    this.requests.push(method)
    this.requestBodies.push(init.body)
    this.sent.push({ method, headers: new Map(init.headers), body: init.body?.content ?? '' })
    if (this.gate) await this.gate
    return this.#answer()
  }

  /** Methods of the peer's Allow. */
  allowed: readonly string[] = []
  readonly #ownsCallId: boolean

  constructor(ownsCallId = true) {
    this.#ownsCallId = ownsCallId
  }

  allows(method: string): boolean {
    return this.allowed.includes(method)
  }

  retryMs(response?: FinalResponse): number | undefined {
    return response ? offerRetryMs(response, this.#ownsCallId) : glareMs(this.#ownsCallId)
  }

  readonly updates: (SipBody | undefined)[] = []

  async update(body?: SipBody): Promise<FinalResponse> {
    this.updates.push(body)
    return this.#answer()
  }

  async reinvite(body?: SipBody): Promise<FinalResponse> {
    if (body) this.reinvites.push(body)
    return this.#answer()
  }

  #answer(): FinalResponse {
    const answer = this.answers.shift() ?? response(200)
    if (answer instanceof Error) throw answer
    return answer
  }

  byeHeaders: readonly HeaderField[] = []

  bye(init: { headers?: readonly HeaderField[] } = {}): Promise<FinalResponse> {
    this.byeHeaders = init.headers ?? []
    this.byes++
    return this.answersBye ? Promise.resolve(response(200)) : new Promise(() => {})
  }

  /** The peer's re-INVITE; what we answered stands in the result. */
  offer(body?: SipBody, method = 'INVITE', headers: Record<string, string> = {}): FakeOffer {
    const offer = new FakeOffer(method, body, headers)
    void this.handlers.request?.(offer)
    return offer
  }
}

export class FakeOffer implements IncomingRequest {
  readonly request: SipRequest
  accepted: { status?: number; headers?: readonly HeaderField[]; body?: SipBody } | undefined
  rejected: number | undefined
  rejectHeaders: readonly HeaderField[] = []

  constructor(method: string, body?: SipBody, headers: Record<string, string> = {}) {
    this.request = request(method, { headers, ...(body ? { body } : {}) })
  }

  accept(init: { status?: number; headers?: readonly HeaderField[]; body?: SipBody } = {}): void {
    this.accepted = init
  }

  reject(status: number, init: { headers?: readonly HeaderField[] } = {}): void {
    this.rejected = status
    this.rejectHeaders = init.headers ?? []
  }
}
