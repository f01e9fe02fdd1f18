/** SIPp scenarios put together from steps. A step becomes one or more elements of the XML; all follow Record-Route. */
export type Step = (context: StepContext) => string | string[]

interface StepContext {
  /** Position of the step's first element. A branch is made of it, so a CANCEL can name that of its INVITE. */
  index: number
  inviteIndex: number
  variables: Set<string>
}

export interface SdpInit {
  /** RTP payload types in order of preference; 101 is telephone-event. */
  formats?: readonly number[]
  direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'
  version?: number
  /** The port of `rtp_stream` instead of that of `-mp`. */
  streamed?: boolean
}

/** What the last message has to hold: `search` is a POSIX regular expression over one header, or over the whole message. */
export interface Check {
  header?: string
  search: string
}

const RTPMAP: Record<number, string> = { 0: 'PCMU/8000', 8: 'PCMA/8000', 101: 'telephone-event/8000' }

export function sdp({ formats = [8, 0, 101], direction = 'sendrecv', version = 1, streamed }: SdpInit = {}): string {
  return [
    'v=0',
    `o=sipp 1 ${version} IN IP[media_ip_type] [media_ip]`,
    's=-',
    'c=IN IP[media_ip_type] [media_ip]',
    't=0 0',
    `m=audio [${streamed ? 'rtpstream_audio_port' : 'media_port'}] RTP/AVP ${formats.join(' ')}`,
    ...formats.map((format) => `a=rtpmap:${format} ${RTPMAP[format]}`),
    ...(formats.includes(101) ? ['a=fmtp:101 0-15'] : []),
    'a=ptime:20',
    `a=${direction}`,
  ].join('\n')
}

/** The document that SIPp reads. */
export function scenario(name: string, steps: readonly Step[]): string {
  const context: StepContext = { index: 0, inviteIndex: 0, variables: new Set() }
  const body: string[] = []
  for (const step of steps) {
    context.index = body.length
    body.push(...[step(context)].flat())
  }
  // SIPp refuses a variable that is set and never read.
  if (context.variables.size > 0) body.push(`<Reference variables="${[...context.variables].join(',')}"/>`)
  return `<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="${name}">\n${body.join('\n')}\n</scenario>\n`
}

function message(lines: readonly string[], body = ''): string {
  const all = [...lines, ...(body ? ['Content-Type: application/sdp'] : []), 'Content-Length: [len]', '', body]
  return `<![CDATA[\n${all.join('\n')}\n]]>`
}

const send = (text: string, attributes = ''): string => `<send${attributes}>${text}</send>`

/** SIPp retransmits by itself, doubling from 500 ms, until the next expected message has come. */
const RELIABLE = ' retrans="500"'

const VIA = 'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch='
const FROM = 'From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]t[call_number]'
const TARGET = 'sip:[service]@[remote_ip]:[remote_port]'
const CONTACT = 'Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>'
const ALLOW = 'Allow: INVITE, ACK, BYE, CANCEL, OPTIONS'

// ---- the caller

const initialInvite = (branch: string, offer: SdpInit | null, headers: readonly string[] = []) =>
  message(
    [
      `INVITE ${TARGET} SIP/2.0`,
      `${VIA}[${branch}]`,
      FROM,
      `To: <${TARGET}>`,
      'Call-ID: [call_id]',
      'CSeq: 1 INVITE',
      CONTACT,
      'Max-Forwards: 70',
      ALLOW,
      ...headers,
    ],
    offer ? sdp(offer) : '',
  )

export const invite =
  (offer: SdpInit | null = {}, headers: readonly string[] = []): Step =>
  (context) => {
    context.inviteIndex = context.index
    return send(initialInvite('branch', offer, headers), RELIABLE)
  }

/** The INVITE once more, as a caller does that has heard nothing. */
export const inviteAgain =
  (offer: SdpInit | null = {}): Step =>
  ({ index, inviteIndex }) =>
    send(initialInvite(`branch-${index - inviteIndex}`, offer))

/** CANCEL and the ACK to a final response other than 2xx belong to the INVITE's transaction (RFC 3261 9.1, 17.1.1.3). */
const inInviteTransaction =
  (method: 'CANCEL' | 'ACK', attributes: string): Step =>
  ({ index, inviteIndex }) => {
    const to = method === 'ACK' ? '[last_To:]' : `To: <${TARGET}>`
    const start = [`${method} ${TARGET} SIP/2.0`, `${VIA}[branch-${index - inviteIndex}]`, FROM, to]
    return send(message([...start, 'Call-ID: [call_id]', `CSeq: 1 ${method}`, 'Max-Forwards: 70']), attributes)
  }

export const cancel: Step = inInviteTransaction('CANCEL', RELIABLE)
export const ackFailure: Step = inInviteTransaction('ACK', '')

const inDialog = (method: string, cseq: number, headers: string[] = [], body = '') =>
  message(
    [
      `${method} [next_url] SIP/2.0`,
      `${VIA}[branch]`,
      '[routes]',
      FROM,
      '[last_To:]',
      'Call-ID: [call_id]',
      `CSeq: ${cseq} ${method}`,
      'Max-Forwards: 70',
      ...headers,
    ],
    body,
  )

export const ack =
  (cseq = 1, answer?: SdpInit): Step =>
  () =>
    send(inDialog('ACK', cseq, [], answer ? sdp(answer) : ''))

export const reinvite =
  (cseq: number, offer: SdpInit | null): Step =>
  () =>
    send(inDialog('INVITE', cseq, [CONTACT], offer ? sdp(offer) : ''), RELIABLE)

/** Another request within the dialog. */
export const request =
  (method: string, cseq: number, init: { headers?: string[]; offer?: SdpInit } = {}): Step =>
  () =>
    send(inDialog(method, cseq, [CONTACT, ...(init.headers ?? [])], init.offer ? sdp(init.offer) : ''), RELIABLE)

/** RFC 3262 4; needs `expectReliable`. */
export const prack = (cseq: number, offer?: SdpInit): Step =>
  request('PRACK', cseq, { headers: ['RAck: [$rseq] 1 INVITE'], ...(offer && { offer }) })

export const bye =
  (cseq = 2): Step =>
  () =>
    send(inDialog('BYE', cseq), RELIABLE)

// ---- the callee

const CALLEE_CONTACT = 'Contact: <sip:[local_ip]:[local_port];transport=[transport]>'

/** The top of a response to the INVITE when another request has come in between: SIPp's `last_…` would be of that one. */
const toKeptInvite = (status: string) => [
  `SIP/2.0 ${status}`,
  'Via: [$via]',
  '[last_From:]',
  '[last_Call-ID:]',
  'CSeq: [$cseq] INVITE',
]

const reply = (status: string, { answer, headers = [] }: { answer?: SdpInit; headers?: string[] } = {}) =>
  message(
    [
      `SIP/2.0 ${status}`,
      '[last_Via:]',
      '[last_From:]',
      '[last_To:];tag=[pid]s[call_number]',
      '[last_Call-ID:]',
      '[last_CSeq:]',
      '[last_Record-Route:]',
      CALLEE_CONTACT,
      ALLOW,
      ...headers,
    ],
    answer ? sdp(answer) : '',
  )

export const provisional =
  (status: string, answer?: SdpInit, headers: string[] = []): Step =>
  () =>
    send(reply(status, { headers, ...(answer && { answer }) }))

export const answer =
  (description: SdpInit = {}): Step =>
  () =>
    send(reply('200 OK', { answer: description }), RELIABLE)

/** The same 200 once more after an ACK has come, as a callee does that has not seen it. Needs `keepInvite`. */
export const answerAgain =
  (description: SdpInit = {}): Step =>
  () =>
    send(message([...toKeptInvite('200 OK'), '[last_To:]', CALLEE_CONTACT], sdp(description)))

/** A final response to an INVITE whose To tag is known: after a PRACK, or to a re-INVITE. Needs `keepInvite`. */
export const finalToKept =
  (status: string, init: { answer?: SdpInit; headers?: string[] } = {}): Step =>
  () => {
    const lines = [...toKeptInvite(status), '[last_To:]', CALLEE_CONTACT, ...(init.headers ?? [])]
    return send(message(lines, init.answer ? sdp(init.answer) : ''), RELIABLE)
  }

/** A 200 that crossed the CANCEL on its way. Needs `keepInvite`. */
export const answerLate =
  (description: SdpInit = {}): Step =>
  () =>
    send(
      message([...toKeptInvite('200 OK'), '[last_To:];tag=[pid]s[call_number]', CALLEE_CONTACT], sdp(description)),
      RELIABLE,
    )

export const refuse =
  (status: string, headers: string[] = []): Step =>
  () =>
    send(reply(status, { headers }), RELIABLE)

/** The same responses to a re-INVITE, whose To has a tag already. */
export const refuseAgain =
  (status: string): Step =>
  () =>
    send(replyInDialog(status), RELIABLE)

export const answerReinvite =
  (description: SdpInit = {}): Step =>
  () =>
    send(replyInDialog('200 OK', description), RELIABLE)

const replyInDialog = (status: string, description?: SdpInit) =>
  message(
    [
      `SIP/2.0 ${status}`,
      '[last_Via:]',
      '[last_From:]',
      '[last_To:]',
      '[last_Call-ID:]',
      '[last_CSeq:]',
      CALLEE_CONTACT,
      ALLOW,
    ],
    description ? sdp(description) : '',
  )

/** Answers a request that has a To tag already: BYE, CANCEL. */
export const accept: Step = () =>
  send(message(['SIP/2.0 200 OK', '[last_Via:]', '[last_From:]', '[last_To:]', '[last_Call-ID:]', '[last_CSeq:]']))

/** 487 to the INVITE after its CANCEL has come. Needs `keepInvite`. */
export const refuseCancelled: Step = () =>
  send(message([...toKeptInvite('487 Request Terminated'), '[last_To:];tag=[pid]s[call_number]']), RELIABLE)

// ---- both

interface Expectation {
  checks?: Check[]
  /** Later responses can be addressed to this INVITE. */
  keepInvite?: boolean
}

function actions({ checks = [], keepInvite }: Expectation, { variables, index }: StepContext): string {
  const one = ({ header, search }: Check, name: string) => {
    variables.add(name)
    const where = header ? `search_in="hdr" header="${header}:"` : 'search_in="msg"'
    return `<ereg regexp="${search}" ${where} check_it="true" assign_to="${name}"/>`
  }
  const list = checks.map((check, i) => one(check, `check${index}_${i}`))
  if (keepInvite) {
    list.push(one({ header: 'CSeq', search: '[0-9]+' }, 'cseq'), one({ header: 'Via', search: 'SIP.*' }, 'via'))
  }
  return list.length > 0 ? `<action>${list.join('')}</action>` : ''
}

export const expectRequest =
  (method: string, expectation: Expectation = {}): Step =>
  (context) =>
    `<recv request="${method}"${method === 'INVITE' ? ' rrs="true"' : ''}>${actions(expectation, context)}</recv>`

/** After a 180 and a 200 SIPp no longer knows the INVITE again that a caller repeats who has heard neither in time. */
export const tolerateInvite: Step = () => '<recv request="INVITE" optional="true"/>'

/** 100, 180 and 183 may come before it. */
export const expectFinal =
  (status: number, expectation: Expectation & { timed?: boolean } = {}): Step =>
  (context) => [
    ...[100, 180, 183].map((code) => `<recv response="${code}" optional="true"/>`),
    `<recv response="${status}" rrs="true"${expectation.timed ? ' rtd="true"' : ''}>${actions(expectation, context)}</recv>`,
  ]

export const expectProvisional =
  (status: number): Step =>
  () => [`<recv response="100" optional="true"/>`, `<recv response="${status}"/>`]

/** A reliable provisional response (RFC 3262 3): its RSeq is kept for `prack`. */
export const expectReliable =
  (status: number, expectation: Expectation = {}): Step =>
  (context) => {
    context.variables.add('rseq')
    const rseq =
      '<action><ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" check_it="true" assign_to="rseq"/></action>'
    const others = actions(expectation, context)
    return [
      '<recv response="100" optional="true"/>',
      `<recv response="${status}" rrs="true">${rseq}${others}</recv>`.replace('</action><action>', ''),
    ]
  }

export const expectResponse =
  (status: number, expectation: Expectation = {}): Step =>
  (context) =>
    `<recv response="${status}">${actions(expectation, context)}</recv>`

/** As long as `holdMs` of the run says. */
export const hold: Step = () => '<pause/>'

export const pause =
  (ms: number): Step =>
  () =>
    `<pause milliseconds="${ms}"/>`

/** Raw mu-law or A-law, 20 ms packets, for ever. */
export const stream =
  (file: string): Step =>
  () =>
    `<nop><action><exec rtp_stream="${file},-1,0"/></action></nop>`
