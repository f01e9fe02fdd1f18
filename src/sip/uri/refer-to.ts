/** RFC 3515 2.1: the Refer-To of a REFER, with the Replaces that RFC 3891 puts into the headers of its URI. */
import { parseNameAddress } from './name-address.js'
import { parseReplaces, type Replaces, replacesText } from './replaces.js'

export interface ReferTo {
  /** The URI without headers and without the method. */
  uri: string
  user: string
  /** The method of the request that is asked for; INVITE if the URI names none. */
  method: string
  replaces: Replaces | undefined
}

const MAX_LENGTH = 1024

/** Undefined if the value is malformed, or if a header of its URI is. Headers other than Replaces are dropped: RFC 3261 19.1.5. */
export function parseReferTo(value: string): ReferTo | undefined {
  const address = value.length > MAX_LENGTH ? undefined : parseNameAddress(value.trim())
  if (!address) return undefined
  const { text, user, params } = address.uri
  const question = text.indexOf('?', text.lastIndexOf('@') + 1)
  const bare = question < 0 ? text : text.slice(0, question)
  const replaced = question < 0 ? [] : headerValues(text.slice(question + 1), 'replaces')
  const replaces = replaced?.[0] === undefined ? undefined : parseReplaces(replaced[0])
  if (!replaced || replaced.length > 1 || (replaced.length === 1 && !replaces)) return undefined
  const method = params.get('method')?.toUpperCase() ?? 'INVITE'
  return { uri: bare.replace(/;method=[^;]*/gi, ''), user, method, replaces }
}

/** RFC 3261 19.1.1: the value of the Refer-To header; in the headers of a URI all but unreserved characters are escaped. */
export function referToText(uri: string, replaces?: Replaces): string {
  return replaces ? `<${uri}?Replaces=${encodeURIComponent(replacesText(replaces))}>` : `<${uri}>`
}

/** The decoded values of one header in `a=b&c=d`; undefined if an escape is malformed. */
function headerValues(headers: string, wanted: string): string[] | undefined {
  try {
    return headers.split('&').flatMap((header) => {
      const equals = header.indexOf('=')
      if (equals < 0 || decodeURIComponent(header.slice(0, equals)).toLowerCase() !== wanted) return []
      return [decodeURIComponent(header.slice(equals + 1))]
    })
  } catch {
    return undefined
  }
}
