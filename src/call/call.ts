/** The entry of this folder: places and takes calls. */
import { TelephonyError } from '../base/errors.js'
import { newId, newSipCallId } from '../base/ids.js'
import { customHeaders } from '../sip/message/custom-headers.js'
import type { HeaderField, IncomingInvite } from '../sip/types.js'
import { AUTO_ANSWER_HEADERS, requiresAutoAnswer } from './alert.js'
import { CallFacts } from './call-facts.js'
import { diversionHeaders, presentationOf } from './identity.js'
import { IncomingLeg } from './incoming-leg.js'
import { LiveCall } from './live-call.js'
import { Moment } from './moment.js'
import { OutgoingLeg } from './outgoing-leg.js'
import type { Call, CallDeps, IncomingCallInit, OutgoingCallInit } from './types.js'

export type * from './types.js'

/** Opens media, makes the offer, sends the INVITE. Rejects (NO_PORTS, BAD_HEADER, BAD_ARGUMENT …) if no call was placed: then no event is emitted. */
export async function placeCall(deps: CallDeps, init: OutgoingCallInit): Promise<Call> {
  const { account, target, callerName, tags } = init
  const { identity } = account
  const sipCallId = newSipCallId(account.rtp.advertise)
  const facts = new CallFacts({
    id: init.callId ?? newId(),
    sipCallId,
    account,
    direction: 'outbound',
    from: { ...(init.callerId ?? identity), displayName: callerName ?? identity.displayName },
    to: { uri: target.uri.text, user: target.user },
    started: new Moment(deps.clock),
    tags,
    group: init.group,
  })
  const codecs = init.codecs ?? account.codecs
  if (codecs.length === 0)
    throw new TelephonyError('BAD_ARGUMENT', 'the list of codecs is empty. Name at least one codec')
  const fields = inviteFields(init)
  const call = new LiveCall(deps, { facts, account, codecs, owner: init.owner }, init)
  const leg = new OutgoingLeg(call.core, await call.core.negotiation())
  call.core.leg = leg
  try {
    const { ringTimeoutMs, redirect, delayedOffer = false } = init
    const how = { ringTimeoutMs, redirect, delayedOffer }
    leg.start(deps.userAgent, { target: target.uri, sipCallId, ...fields }, how)
  } catch (error) {
    await call.core.discard()
    throw error
  }
  call.core.tell({ type: 'call.trying' })
  return call
}

/** The caller and the further headers of the INVITE. Throws BAD_HEADER, BAD_ARGUMENT. */
function inviteFields(init: OutgoingCallInit): { from?: string; fromDisplayName?: string; headers: HeaderField[] } {
  const { account, target, callerName, callerId, hideCallerId = false, diverted = [], autoAnswer } = init
  const { identity: own, callerIdBy: by = 'from' } = account
  const { headers, ...from } = presentationOf({ own, callerId, hidden: hideCallerId, by })
  return {
    headers: [
      ...headers,
      ...diversionHeaders(diverted, target.uri.text),
      ...(autoAnswer ? AUTO_ANSWER_HEADERS : []),
      ...customHeaders(init.headers),
    ],
    ...(callerName !== undefined && { fromDisplayName: callerName }),
    ...from,
  }
}

/**
 * Takes an INVITE that the account's policy has admitted. An offer that we cannot answer, a required automatic answer that is not
 * allowed and the rule `reject` end the call at once:
 * then `call.ended` is its only event, without a `call.incoming` before.
 */
export function takeCall(deps: CallDeps, invite: IncomingInvite, init: IncomingCallInit): Call {
  const { account, rule, tags } = init
  const { callId: sipCallId, from, to } = invite.request
  const started = new Moment(deps.clock)
  const id = init.callId ?? newId()
  const facts = new CallFacts({ id, sipCallId, account, direction: 'inbound', from, to, started, tags })
  const call = new LiveCall(deps, { facts, account, codecs: account.codecs, owner: init.owner }, init)
  const { core } = call
  const leg = new IncomingLeg(core, invite)
  core.leg = leg
  core.noteHeaders(invite.request)
  const autoAnswerMs = core.noteAlert(invite.request)
  const refusal = leg.refusal(rule)
  if (refusal) {
    core.finish(refusal)
    return call
  }
  const answerMs = rule.mode === 'answer' ? (rule.ringMs ?? 0) : rule.autoAnswer ? autoAnswerMs : undefined
  if (answerMs === undefined && requiresAutoAnswer(invite.request)) {
    // RFC 5373: with `;require` a call that is not answered automatically is refused.
    const reason = 'the caller requires an automatic answer, which is not allowed here'
    core.finish({ by: 'local', cause: 'rejected', sipCode: 403, reason })
    return call
  }
  if (answerMs === undefined) leg.awaitDecision(rule.decideMs)
  core.tell({ type: 'call.incoming' }, started)
  if (answerMs !== undefined) leg.answerAfter(answerMs)
  else if (rule.sendRinging) leg.ring()
  return call
}
