/**
 * Normalises the spelling of an SDP before sdp-transform reads it: the library follows RFC 8866 9 strictly and skips other lines. Peers
 * send blanks and tabs around any part, CR or LF alone, a NUL at the end, a byte order mark, upper and lower case.
 */

/** The lines without line breaks: single blanks between words, types and names of attributes in lower case. */
export function plainLines(text: string): string[] {
  // SDP must not contain NUL (RFC 8866 9, byte-string), but programs written in C may send the NUL that ends their text.
  return text
    .replaceAll('\0', ' ')
    .split(/[\r\n]+/)
    .map(plainLine)
}

function plainLine(line: string): string {
  const words = line.trim().replace(/\s+/g, ' ')
  const at = words.indexOf('=')
  const type = words.slice(0, Math.max(0, at)).trimEnd().toLowerCase()
  const value = words.slice(at + 1).trimStart()
  if (type === 'a') return plainAttribute(value)
  return `${type}=${type === 'c' ? value.replace(/^in ip(?=[46] )/i, 'IN IP') : value}`
}

function plainAttribute(text: string): string {
  const at = text.indexOf(':')
  if (at < 0) return `a=${text.toLowerCase()}`
  const name = text.slice(0, at).trimEnd().toLowerCase()
  const value = text.slice(at + 1).trimStart()
  return `a=${name}:${name === 'rtpmap' ? value.replace(/ ?\/ ?/g, '/') : value}`
}
