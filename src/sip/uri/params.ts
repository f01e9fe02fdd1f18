/** Parameters of a URI or a header: `;name=value;flag`. Names in lower case; undefined: a parameter without value. */
export type Params = ReadonlyMap<string, string | undefined>

export const NO_PARAMS: Params = new Map()

/**
 * Parses `;a=b ; c="d;e"`, from the first semicolon on. Quoted values keep their quotes. Undefined where the text is
 * malformed, e.g. `;;` or an open quote (RFC 4475 3.1.2.1, 3.1.2.6).
 */
export function parseParams(text: string): Params | undefined {
  if (text === '') return NO_PARAMS
  const params = new Map<string, string | undefined>()
  let at = 0
  while (at < text.length) {
    if (text[at] !== ';') return undefined
    const end = endOfParam(text, at + 1)
    if (end < 0) return undefined
    if (!addParam(params, text.slice(at + 1, end))) return undefined
    at = end
  }
  return params
}

/** The content of a quoted string; any other text as it is. */
export const unquote = (value: string): string =>
  /^".*"$/s.test(value) ? value.slice(1, -1).replace(/\\([\s\S])/g, '$1') : value

/** Index of the next semicolon outside quotes, or the end; -1 where a quote stays open. */
function endOfParam(text: string, from: number): number {
  let quoted = false
  for (let i = from; i < text.length; i++) {
    const c = text[i]
    if (quoted && c === '\\') i++
    else if (c === '"') quoted = !quoted
    else if (c === ';' && !quoted) return i
  }
  return quoted ? -1 : text.length
}

function addParam(params: Map<string, string | undefined>, text: string): boolean {
  const equals = text.indexOf('=')
  const name = (equals < 0 ? text : text.slice(0, equals)).trim().toLowerCase()
  if (name === '' || /[\s"<>]/.test(name)) return false
  if (params.has(name)) return true // the first one counts
  params.set(name, equals < 0 ? undefined : text.slice(equals + 1).trim())
  return true
}
