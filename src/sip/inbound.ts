import { createHmac, randomBytes } from 'node:crypto'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { HeaderFields } from './message/header-fields.js'
import { BadRequest } from './message/parse-error.js'
import { ParsedRequest, type ParsedResponse } from './message/parsed-message.js'
import { parseMessage, refusalOf } from './message/parser.js'
import { responseText } from './message/response-text.js'
import { parseVia, stampVia, type Via } from './message/via.js'
import type { Refusal } from './service.js'
import type { Flow, Way } from './transport/flow.js'
import type { SipAddress } from './types.js'

interface InboundDeps {
  log: Logger
  request(message: ParsedRequest): void
  response(message: ParsedResponse): void
  /** Whether a source gets an answer to a malformed message. */
  answers(source: SipAddress): boolean
  /** The flow for responses to a request. */
  flowBack(via: Via, flow: Flow): Way
}

/** The parts of a request that a response is made from, and its flow. */
interface Origin {
  fields: HeaderFields
  via: Via
  /** It has come by this flow. */
  flow: Flow | undefined
  /** Absent for a request that could not be read whole. */
  toTag?: string
}

/** Parses received octets for the dispatcher; answers or drops malformed messages. */
export class Inbound {
  readonly #deps: InboundDeps
  readonly #secret = randomBytes(16)

  constructor(deps: InboundDeps) {
    this.#deps = deps
  }

  receive(bytes: Buffer, flow: Flow): void {
    const message = this.#parse(bytes, flow)
    if (message instanceof ParsedRequest) {
      stampTopVia(message.fields, message.via, flow.remote)
      message.flow = flow
      this.#deps.request(message)
    } else if (message) this.#deps.response(message)
  }

  /** The head of a request whose end cannot be found on a stream (RFC 3261 18.3). */
  refuse(head: Buffer, status: number, reason: string, flow: Flow): void {
    const error = refusalOf(head, status, reason)
    if (error) this.#refuse(error, flow)
  }

  /** A response made from nothing but the request (RFC 3261 8.2.7): a repeated request gets the same one, with the same To tag. */
  reply({ fields, via, flow, toTag: given = '' }: Origin, refusal: Refusal): void {
    const { status, reason, lines = [] } = refusal
    const toTag = status === 100 || given !== '' ? '' : this.#toTag(fields)
    const text = responseText(fields, { status, reason, toTag, headers: lines })
    if (!flow) return
    this.#deps
      .flowBack(via, flow)
      .send(text)
      .catch((error) => this.#deps.log.debug({ err: error, status }, 'an answer could not be sent'))
  }

  #parse(bytes: Buffer, flow: Flow): ParsedRequest | ParsedResponse | undefined {
    try {
      return parseMessage(bytes, flow.remote)
    } catch (error) {
      if (!(error instanceof TelephonyError)) throw error
      this.#deps.log.debug({ err: error, source: flow.remote.host }, 'a message was refused')
      if (error instanceof BadRequest) this.#refuse(error, flow)
      return undefined
    }
  }

  #refuse(error: BadRequest, flow: Flow): void {
    if (error.method === 'ACK' || !this.#deps.answers(flow.remote)) return
    const { fields, via, status, message } = error
    // Further Vias that cannot be read would make our answer as malformed as the request was.
    const [first = '', ...others] = fields.all('via')
    fields.set('via', [first, ...others.filter((value) => parseVia(value))])
    stampTopVia(fields, via, flow.remote)
    this.reply({ fields, via, flow }, { status, reason: message })
  }

  #toTag(fields: HeaderFields): string {
    const identity = ['via', 'from', 'call-id', 'cseq'].map((name) => `${fields.first(name)}\n`).join('')
    return createHmac('sha256', this.#secret).update(identity).digest('hex').slice(0, 16)
  }
}

function stampTopVia(fields: HeaderFields, via: Via, source: SipAddress): void {
  fields.replaceFirst('via', stampVia(via, source))
}
