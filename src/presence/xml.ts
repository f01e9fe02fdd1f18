/**
 * A strict reader of small XML documents (PIDF, dialog-info, reginfo). No document types, so no entities but the five of XML itself; bounded in
 * size, depth and number of elements. Prefixes are dropped: the local name is enough in these documents.
 */
export interface XmlElement {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  /** Text of the element itself, without that of its children. */
  readonly text: string
}

const MAX_LENGTH = 65_536
const MAX_DEPTH = 16
const MAX_ELEMENTS = 2_000
const MAX_ATTRIBUTES = 32
const NAME = /[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?/y
const BLANKS = /[ \t\r\n]*/y
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

/** The root element; undefined: malformed, or beyond a limit. */
export function parseXml(text: string): XmlElement | undefined {
  if (text.length > MAX_LENGTH) return undefined
  try {
    return new Reader(text).document()
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

class Malformed extends Error {}

interface Open {
  name: string
  raw: string
  attributes: Map<string, string>
  children: XmlElement[]
  text: string
}

class Reader {
  readonly #text: string
  #at = 0
  #elements = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): XmlElement {
    if (this.#text.charCodeAt(0) === 0xfeff) this.#at = 1
    this.#misc()
    const root = this.#tree()
    this.#misc()
    if (this.#at !== this.#text.length) throw new Malformed()
    return root
  }

  /** Blanks, comments and processing instructions, the XML declaration among them. */
  #misc(): void {
    for (;;) {
      this.#match(BLANKS)
      if (this.#starts('<!--')) this.#skipTo('-->')
      else if (this.#starts('<?')) this.#skipTo('?>')
      else return
    }
  }

  #tree(): XmlElement {
    const open: Open[] = []
    for (;;) {
      const element = this.#startTag()
      const isEmpty = this.#take('/>')
      if (!isEmpty) {
        this.#expect('>')
        if (open.push(element) > MAX_DEPTH) throw new Malformed()
      } else if (open.length === 0) return finished(element)
      else open.at(-1)?.children.push(finished(element))
      const root = this.#content(open)
      if (root) return root
    }
  }

  /** Text and end tags, to the next start tag. Returns the root element when it has ended. */
  #content(open: Open[]): XmlElement | undefined {
    for (;;) {
      const current = open.at(-1)
      if (!current) throw new Malformed()
      const next = this.#text.indexOf('<', this.#at)
      if (next < 0) throw new Malformed()
      current.text += unescaped(this.#text.slice(this.#at, next))
      this.#at = next
      if (this.#starts('<!--')) this.#skipTo('-->')
      else if (this.#starts('<![CDATA[')) current.text += this.#skipTo(']]>').slice('<![CDATA['.length)
      else if (this.#starts('<?')) this.#skipTo('?>')
      else if (this.#take('</')) {
        if (this.#match(NAME) !== current.raw) throw new Malformed()
        this.#match(BLANKS)
        this.#expect('>')
        open.pop()
        const element = finished(current)
        const parent = open.at(-1)
        if (!parent) return element
        parent.children.push(element)
      } else return undefined
    }
  }

  #startTag(): Open {
    this.#expect('<')
    const raw = this.#match(NAME)
    if (raw === '' || ++this.#elements > MAX_ELEMENTS) throw new Malformed()
    const attributes = new Map<string, string>()
    for (;;) {
      const blanks = this.#match(BLANKS)
      const name = this.#match(NAME)
      if (name === '') return { name: localName(raw), raw, attributes, children: [], text: '' }
      if (blanks === '' || attributes.size >= MAX_ATTRIBUTES) throw new Malformed()
      this.#match(BLANKS)
      this.#expect('=')
      this.#match(BLANKS)
      const quote = this.#text[this.#at]
      if (quote !== '"' && quote !== "'") throw new Malformed()
      const end = this.#text.indexOf(quote, this.#at + 1)
      const value = this.#text.slice(this.#at + 1, end)
      if (end < 0 || value.includes('<')) throw new Malformed()
      this.#at = end + 1
      // Of a prefixed and a plain attribute with one name the plain one counts.
      if (!name.startsWith('xmlns') && (!attributes.has(localName(name)) || !name.includes(':')))
        attributes.set(localName(name), unescaped(value))
    }
  }

  /** A name or blanks at this place; '' if there are none. */
  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #starts(text: string): boolean {
    return this.#text.startsWith(text, this.#at)
  }

  #take(text: string): boolean {
    if (!this.#starts(text)) return false
    this.#at += text.length
    return true
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw new Malformed()
  }

  /** The text up to and without the end. */
  #skipTo(end: string): string {
    const at = this.#text.indexOf(end, this.#at)
    if (at < 0) throw new Malformed()
    const skipped = this.#text.slice(this.#at, at)
    this.#at = at + end.length
    return skipped
  }
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

const finished = ({ name, attributes, children, text }: Open): XmlElement => ({
  name,
  attributes,
  children,
  text: text.trim(),
})

function unescaped(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(#x?)?([^;&]{0,16})(;?)/g, (_all, number: string | undefined, name: string, end: string) => {
    if (end === '') throw new Malformed()
    if (number === undefined) {
      const character = ENTITIES.get(name)
      if (character === undefined) throw new Malformed()
      return character
    }
    const isHex = number === '#x'
    const code = (isHex ? /^[\da-f]{1,6}$/i : /^\d{1,7}$/).test(name) ? Number.parseInt(name, isHex ? 16 : 10) : -1
    const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
    if (!isCharacter) throw new Malformed()
    return String.fromCodePoint(code)
  })
}

/** XML 1.0 2.2: these characters cannot be written at all. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is its purpose
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

export const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replace(FORBIDDEN, '')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')

/** The first child of this name. */
export const child = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find((each) => each.name === name)

export const childrenOf = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter((each) => each.name === name)

const MAX_TEXT = 1_024

export const textIn = (element: XmlElement | undefined): string => (element?.text ?? '').slice(0, MAX_TEXT)

export const attribute = (element: XmlElement | undefined, name: string): string =>
  (element?.attributes.get(name) ?? '').slice(0, MAX_TEXT)

/** A number that an attribute holds; 0 if it is none. */
export const countIn = (element: XmlElement, name: string): number => {
  const text = attribute(element, name)
  return /^\d{1,10}$/.test(text) ? Number(text) : 0
}
