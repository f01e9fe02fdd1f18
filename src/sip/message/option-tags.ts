import { splitWords } from './list.js'
import type { ParsedMessage } from './parsed-message.js'

/** Whether a message names an option tag in its Supported (RFC 3261 20.37) or Require (20.32). */
export const hasTag = (message: ParsedMessage, header: 'supported' | 'require', tag: string): boolean =>
  splitWords(message.headers(header)).some((each) => each.toLowerCase() === tag)
