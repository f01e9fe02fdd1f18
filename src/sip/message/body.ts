import type { Body } from 'sip.js/lib/core/index.js'
import { wellFormed } from '../../base/octets.js'
import type { SipBody } from '../types.js'
import { checkText } from './header-check.js'

/** A body as core takes it; offers and answers are "session" (RFC 3261 20.11). */
export function sessionBody(body: SipBody): Body
export function sessionBody(body: SipBody | undefined): Body | undefined
export function sessionBody(body: SipBody | undefined): Body | undefined {
  if (!body) return undefined
  const contentType = checkText('content type', body.contentType)
  const contentDisposition = contentType === 'application/sdp' ? 'session' : 'render'
  return { contentDisposition, contentType, content: wellFormed(body.content) }
}
