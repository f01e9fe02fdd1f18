import { splitWords } from '../message/list.js'
import type { ParsedMessage, ParsedRequest } from '../message/parsed-message.js'
import type { Refusal } from '../service.js'
import type { UserAgentInit } from '../types.js'

type Extensions = Pick<UserAgentInit, 'reliableProvisional'>

/** Whether a message names an option tag in its Supported (RFC 3261 20.37) or Require (20.32). */
export const hasTag = (message: ParsedMessage, header: 'supported' | 'require', tag: string): boolean =>
  splitWords(message.headers(header)).some((each) => each.toLowerCase() === tag)

/** Whether the caller can acknowledge provisional responses, and whether it insists on it (RFC 3262 3). */
export function reliabilityOf(invite: ParsedRequest, { reliableProvisional }: Extensions): 'none' | 'possible' | 'all' {
  if (reliableProvisional === 'off') return 'none'
  if (hasTag(invite, 'require', '100rel')) return 'all'
  if (!hasTag(invite, 'supported', '100rel')) return 'none'
  return reliableProvisional === 'required' ? 'all' : 'possible'
}

/** An extension that the caller demands and the account does not use (RFC 3261 8.2.2.3), or the other way round (21.4.15). */
export function extensionRefusal(invite: ParsedRequest, extensions: Extensions): Refusal | undefined {
  const { reliableProvisional } = extensions
  if (reliableProvisional === 'off' && hasTag(invite, 'require', '100rel')) {
    return { status: 420, lines: ['Unsupported: 100rel'] }
  }
  if (reliableProvisional === 'required' && reliabilityOf(invite, extensions) === 'none') {
    return { status: 421, lines: ['Require: 100rel'] }
  }
  return undefined
}
