/** What the user agents of this layer can do, as tables: Allow, Supported, 405, 420 and 501 follow from them. */

/**
 * `offered`: in Allow (RFC 3261 20.5). `taken`: known to the layer, and answered by an account, or with 405 without one. `elsewhere`:
 * exists, but not for a user agent like ours: 405, not 501 (8.2.1, 21.5.2).
 */
export type MethodUse = 'offered' | 'taken' | 'elsewhere'

const ACCEPT_TEXT = 'Accept: text/plain, text/*'
/** A digit may come in an INFO. */
const ACCEPT_INFO = 'Accept: application/dtmf-relay, application/dtmf'

export class Capabilities {
  /** Header line. */
  readonly allow: string
  /** Header lines of 2xx and of the answer to OPTIONS (20.37); none if there are no tags. */
  readonly supported: readonly string[]
  readonly #methods: ReadonlyMap<string, MethodUse>
  readonly #optionTags: ReadonlySet<string>

  /** Option tags in lower case (19.2). */
  constructor(methods: ReadonlyMap<string, MethodUse>, optionTags: readonly string[]) {
    const offered = [...methods].flatMap(([method, use]) => (use === 'offered' ? [method] : []))
    this.allow = `Allow: ${offered.join(', ')}`
    this.supported = supportedLine(optionTags)
    this.#methods = methods
    this.#optionTags = new Set(optionTags)
  }

  /** The same without a tag that an account does not use. */
  supportedWithout(tag: string): readonly string[] {
    return supportedLine([...this.#optionTags].filter((each) => each !== tag))
  }

  /** The status that refuses a method; undefined: the layer takes it. */
  methodRefusal(method: string): 405 | 501 | undefined {
    const use = this.#methods.get(method)
    if (use === undefined) return 501
    return use === 'elsewhere' ? 405 : undefined
  }

  /** The tags of a Require that we do not support (8.2.2.3). */
  unsupported(required: readonly string[]): string[] {
    return required.filter((tag) => !this.#optionTags.has(tag.toLowerCase()))
  }

  /** The header lines that a refusal with this status needs (21.4.6, 21.4.13); `method`: of the request. */
  refusalLines(status: number, method = ''): string[] {
    if (status === 405) return [this.allow]
    if (status !== 415) return []
    return method === 'MESSAGE' ? [ACCEPT_TEXT, 'Accept-Encoding: identity'] : [ACCEPT_INFO]
  }
}

const supportedLine = (optionTags: readonly string[]): readonly string[] =>
  optionTags.length > 0 ? [`Supported: ${optionTags.join(', ')}`] : []

export const OUR_CAPABILITIES = new Capabilities(
  new Map([
    ['INVITE', 'offered'],
    ['ACK', 'offered'],
    ['CANCEL', 'offered'],
    ['BYE', 'offered'],
    ['OPTIONS', 'offered'],
    ['INFO', 'offered'],
    ['UPDATE', 'offered'],
    ['REFER', 'offered'],
    ['NOTIFY', 'offered'],
    ['SUBSCRIBE', 'offered'],
    ['MESSAGE', 'offered'],
    ['REGISTER', 'elsewhere'],
    ['PUBLISH', 'elsewhere'],
    ['PRACK', 'offered'],
  ]),
  // RFC 3262, RFC 4028, RFC 6228, RFC 3891, RFC 4488
  ['100rel', 'timer', '199', 'replaces', 'norefersub'],
)

export const ALLOW = OUR_CAPABILITIES.allow
export const SUPPORTED = OUR_CAPABILITIES.supported
const SUPPORTED_UNRELIABLY = OUR_CAPABILITIES.supportedWithout('100rel')
/** Header lines of INVITE and of its 2xx. `reliable`: whether the account uses PRACK. */
export const supportedLines = (reliable: boolean): readonly string[] => (reliable ? SUPPORTED : SUPPORTED_UNRELIABLY)
export const ACCEPT = 'Accept: application/sdp'
/** What OPTIONS is answered with (11.2). */
export const CAPABILITY_LINES: readonly string[] = [ALLOW, ACCEPT, ...SUPPORTED]
