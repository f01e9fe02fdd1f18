import { hasTag } from '../message/option-tags.js'
import type { ParsedRequest } from '../message/parsed-message.js'
import type { Refusal } from '../service.js'
import type { UserAgentInit } from '../types.js'
import { tooShort } from './session-terms.js'

type Extensions = Pick<UserAgentInit, 'reliableProvisional'>

/** Whether the caller can acknowledge provisional responses, and whether it insists on it (RFC 3262 3). */
export function reliabilityOf(invite: ParsedRequest, { reliableProvisional }: Extensions): 'none' | 'possible' | 'all' {
  if (reliableProvisional === 'off') return 'none'
  if (hasTag(invite, 'require', '100rel')) return 'all'
  if (!hasTag(invite, 'supported', '100rel')) return 'none'
  return reliableProvisional === 'required' ? 'all' : 'possible'
}

/**
 * An extension that the caller demands and the account does not use (RFC 3261 8.2.2.3), or the other way round (21.4.15), or a session
 * interval that is too short (RFC 4028 9).
 */
export function extensionRefusal(invite: ParsedRequest, extensions: Extensions): Refusal | undefined {
  const { reliableProvisional } = extensions
  if (reliableProvisional === 'off' && hasTag(invite, 'require', '100rel')) {
    return { status: 420, lines: ['Unsupported: 100rel'] }
  }
  if (reliableProvisional === 'required' && reliabilityOf(invite, extensions) === 'none') {
    return { status: 421, lines: ['Require: 100rel'] }
  }
  const minimum = tooShort(invite)
  return minimum && { status: 422, lines: minimum }
}
