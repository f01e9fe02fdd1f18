import { ClientTransaction, Levels, LoggerFactory, type OutgoingRequestMessage } from 'sip.js/lib/core/index.js'
import { AllowedMethods } from 'sip.js/lib/core/user-agent-core/allowed-methods.js'
import { newBranch } from '../message/outgoing-request.js'

/** RFC 3261 20.5: what we say that we support. */
export const SUPPORTED = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'INFO', 'UPDATE'] as const
/** What this layer takes. The last two are handed to accounts, none of which has a use for them yet: 405. */
export const METHODS = [...SUPPORTED, 'MESSAGE', 'NOTIFY'] as const
export const ALLOW = `Allow: ${SUPPORTED.join(', ')}`
export const ACCEPT = 'Accept: application/sdp'
/** What an INFO may carry: a digit. */
const ACCEPT_INFO = 'Accept: application/dtmf-relay, application/dtmf'

/** The header lines without which a refusal of INFO, MESSAGE or NOTIFY does not say enough (RFC 3261 21.4.6, 21.4.13). */
export function refusalLines(statusCode: number): string[] {
  if (statusCode === 405) return [ALLOW]
  return statusCode === 415 ? [ACCEPT_INFO] : []
}

/**
 * Two things that sip.js lets nobody configure, changed in place; idempotent. A test fails where either is lost after
 * an update: branches of 24 bits collide among thousands of transactions, and its list of methods is not ours.
 */
export function applyCoreSettings(): void {
  Object.assign(ClientTransaction, { makeId: branchFor })
  AllowedMethods.splice(0, AllowedMethods.length, ...SUPPORTED)
}

/** RFC 3261 9.1: a CANCEL carries the branch of what it cancels. */
const branchFor = (request: OutgoingRequestMessage): string =>
  request.method === 'CANCEL' && request.branch ? request.branch : newBranch()

/** sip.js prints to the console unless told not to; what matters is told by our own log. */
export class QuietLoggerFactory extends LoggerFactory {
  constructor() {
    super()
    this.builtinEnabled = false
    this.level = Levels.error
  }

  override genericLog(): void {}
}
