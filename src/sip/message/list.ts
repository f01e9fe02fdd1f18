/**
 * Splits a header value at commas outside quotes and angle brackets (RFC 3261 7.3.1). Empty parts are kept: they are an
 * error where they stand. The one splitter for all headers whose values hold quotes or brackets.
 */
export const splitList = (value: string): string[] => splitListUpTo(value, Number.POSITIVE_INFINITY)

/** The same; what follows after `most` parts is one more part. */
export function splitListUpTo(value: string, most: number): string[] {
  if (!value.includes(',')) return [value]
  const parts: string[] = []
  let quoted = false
  let bracketed = false
  let start = 0
  for (let i = 0; i < value.length && parts.length < most; i++) {
    const c = value[i]
    if (quoted) {
      if (c === '\\') i++
      else if (c === '"') quoted = false
    } else if (c === '"') quoted = true
    else if (c === '<') bracketed = true
    else if (c === '>') bracketed = false
    else if (c === ',' && !bracketed) {
      parts.push(value.slice(start, i).trim())
      start = i + 1
    }
  }
  parts.push(value.slice(start).trim())
  return parts
}

/** Option tags, methods, media types and the like: all values of all lines, empty parts left out. */
export const splitWords = (values: readonly string[]): readonly string[] =>
  values.length === 0
    ? values
    : values
        .flatMap(splitList)
        .map((word) => word.trim())
        .filter((word) => word !== '')
