/**
 * The parts of an SDP's lines, whatever their spelling: peers send blanks and tabs around any part, CR or LF alone, a NUL at the end,
 * a byte order mark, upper and lower case. RFC 8866 9 allows none of it.
 */

/** The lines without line breaks. Empty lines may be among them. */
export function linesOf(text: string): string[] {
  // SDP must not contain NUL (RFC 8866 9, byte-string), but programs written in C may send the NUL that ends their text.
  return text.replaceAll('\0', ' ').split(/[\r\n]+/)
}

/** The type of a line or the name of an attribute, in lower case. */
export const keyword = (text: string): string => text.trim().toLowerCase()

const ODD_BLANKS = /^\s|\s\s|[^\S ]|\s$/

/** The value of a line with single blanks between its words. */
export const words = (text: string): string => (ODD_BLANKS.test(text) ? text.trim().replace(/\s+/g, ' ') : text)
