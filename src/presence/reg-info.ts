/** RFC 3680: registrations of an address of record. */
import { attribute, childrenOf, countIn, parseXml, textIn } from './xml.js'

export const REG_INFO = 'application/reginfo+xml'

export interface RegInfo {
  version: number
  /** False: only what has changed. */
  full: boolean
  registrations: {
    aor: string
    state: string
    contacts: { uri: string; state: string; event: string; expiresSec: number }[]
  }[]
}

const MAX = 200

/** Undefined: not a reginfo document. */
export function parseRegInfo(text: string): RegInfo | undefined {
  const root = parseXml(text)
  if (root?.name !== 'reginfo') return undefined
  return {
    version: countIn(root, 'version'),
    full: attribute(root, 'state') !== 'partial',
    registrations: childrenOf(root, 'registration')
      .slice(0, MAX)
      .map((registration) => ({
        aor: attribute(registration, 'aor'),
        state: attribute(registration, 'state'),
        contacts: childrenOf(registration, 'contact')
          .slice(0, MAX)
          .map((contact) => ({
            uri: textIn(contact.children.find(({ name }) => name === 'uri')),
            state: attribute(contact, 'state'),
            event: attribute(contact, 'event'),
            expiresSec: countIn(contact, 'expires'),
          })),
      })),
  }
}
