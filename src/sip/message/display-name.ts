import { escapeDisplayName } from '../uri/name-address.js'
import { checkText } from './header-check.js'

/** A display name in front of an address (RFC 3261 25.1); '' for none. */
export const displayed = (name: string): string =>
  name === '' ? '' : `"${escapeDisplayName(checkText('display name', name))}" `
