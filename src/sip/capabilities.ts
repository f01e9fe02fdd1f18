/** What the user agents of this layer can do, as tables: Allow, Supported, 405, 420 and 501 follow from them. */

/** `offered`: stands in Allow (RFC 3261 20.5). `taken`: known to the layer, and answered by an account or by nothing: 405. */
const METHODS: ReadonlyMap<string, 'offered' | 'taken' | 'elsewhere'> = new Map([
  ['INVITE', 'offered'],
  ['ACK', 'offered'],
  ['CANCEL', 'offered'],
  ['BYE', 'offered'],
  ['OPTIONS', 'offered'],
  ['INFO', 'offered'],
  ['UPDATE', 'offered'],
  ['MESSAGE', 'taken'],
  ['NOTIFY', 'taken'],
  // Methods that exist but are not for a user agent like ours: 405, not 501 (8.2.1, 21.5.2).
  ['REGISTER', 'elsewhere'],
  ['SUBSCRIBE', 'elsewhere'],
  ['REFER', 'elsewhere'],
  ['PUBLISH', 'elsewhere'],
  ['PRACK', 'elsewhere'],
])

/** Option tags of extensions that we support (19.2). */
const OPTION_TAGS: readonly string[] = []

const offered = [...METHODS].flatMap(([method, use]) => (use === 'offered' ? [method] : []))

/** Header lines. */
export const ALLOW = `Allow: ${offered.join(', ')}`
export const ACCEPT = 'Accept: application/sdp'
/** In 2xx and OPTIONS (20.37); no line if there are no tags. */
export const SUPPORTED: readonly string[] = OPTION_TAGS.length > 0 ? [`Supported: ${OPTION_TAGS.join(', ')}`] : []
/** A digit may come in an INFO. */
const ACCEPT_INFO = 'Accept: application/dtmf-relay, application/dtmf'

/** The status that refuses a method; undefined: the layer takes it. */
export function methodRefusal(method: string): 405 | 501 | undefined {
  const use = METHODS.get(method)
  if (use === undefined) return 501
  return use === 'elsewhere' ? 405 : undefined
}

/** The tags of a Require that we do not support (8.2.2.3). */
export const unsupported = (required: readonly string[]): string[] =>
  required.filter((tag) => !OPTION_TAGS.includes(tag.toLowerCase()))

/** The header lines without which a refusal of INFO, MESSAGE or NOTIFY does not say enough (21.4.6, 21.4.13). */
export function refusalLines(status: number): string[] {
  if (status === 405) return [ALLOW]
  return status === 415 ? [ACCEPT_INFO] : []
}
