/**
 * The lines of an SDP (RFC 8866 5), read generously: blanks and tabs around any part, CR or LF alone, no line break or a NUL at the end, a
 * byte order mark, upper and lower case. What it says is clear all the same.
 */

export interface Attribute {
  name: string
  value: string
}

/** What stands above all media, or from one m= line to the next. */
export interface Section {
  /** Of the m= line; '' above all media. */
  media: string
  /** v=, above all media. */
  version: string | undefined
  /** The host of c=. */
  connection: string | undefined
  /** a=name:value in their order; names in lower case, '' where there is no value. */
  attributes: Attribute[]
}

/** The session's own lines first, then one section for each m= line. Lines that say nothing here are left out. */
export function readSections(text: string): [session: Section, ...media: Section[]] {
  const session = newSection('')
  const media: Section[] = []
  let section = session
  // A NUL is allowed nowhere in SDP (RFC 8866 9, byte-string); programs written in C may send the one that ends their text.
  for (const raw of text.replaceAll('\0', ' ').split(/[\r\n]+/)) {
    const line = raw.trim()
    const at = line.indexOf('=')
    const type = line.slice(0, Math.max(0, at)).trimEnd().toLowerCase()
    const value = line.slice(at + 1).trimStart()
    if (type === 'm') {
      section = newSection(value)
      media.push(section)
    } else if (type === 'v') section.version ??= value
    else if (type === 'c') section.connection = hostOf(value) ?? section.connection
    else if (type === 'a') section.attributes.push(attributeOf(value))
  }
  return [session, ...media]
}

const newSection = (media: string): Section => ({ media, version: undefined, connection: undefined, attributes: [] })

/** RFC 8866 5.7: network type, address type, address. */
function hostOf(value: string): string | undefined {
  const [network = '', family = '', host] = wordsOf(value)
  return network.toLowerCase() === 'in' && /^ip[46]$/i.test(family) ? host : undefined
}

function attributeOf(text: string): Attribute {
  const at = text.indexOf(':')
  if (at < 0) return { name: text.toLowerCase(), value: '' }
  return { name: text.slice(0, at).trimEnd().toLowerCase(), value: text.slice(at + 1).trimStart() }
}

export const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')
