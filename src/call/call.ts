/** The entry of this folder: places and takes calls. */
import { TelephonyError } from '../base/errors.js'
import { newId, newSipCallId } from '../base/ids.js'
import type { IncomingInvite } from '../sip/types.js'
import { CallFacts } from './call-facts.js'
import { IncomingLeg } from './incoming-leg.js'
import { headerFields, LiveCall } from './live-call.js'
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
    from: { ...identity, displayName: callerName ?? identity.displayName },
    to: { uri: target.uri.text, user: target.user },
    started: new Moment(deps.clock),
    tags,
  })
  const codecs = init.codecs ?? account.codecs
  if (codecs.length === 0)
    throw new TelephonyError('BAD_ARGUMENT', 'the list of codecs is empty. Name at least one codec')
  const call = new LiveCall(deps, { facts, account, codecs, owner: init.owner }, init)
  const leg = new OutgoingLeg(call.core, await call.core.negotiation())
  call.core.leg = leg
  const display = callerName === undefined ? {} : { fromDisplayName: callerName }
  const headers = headerFields(init.headers)
  try {
    const { ringTimeoutMs, redirect, delayedOffer = false } = init
    const how = { ringTimeoutMs, redirect, delayedOffer }
    leg.start(deps.userAgent, { target: target.uri, headers, sipCallId, ...display }, how)
  } catch (error) {
    await call.core.discard()
    throw error
  }
  call.core.tell({ type: 'call.trying' })
  return call
}

/**
 * Takes an INVITE that the account's policy has admitted. An offer that we cannot answer and the rule `reject` end the call at once:
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
  const refusal = leg.refusal(rule)
  if (refusal) {
    core.finish(refusal)
    return call
  }
  if (rule.mode === 'flow') leg.awaitDecision(rule.decideMs)
  core.tell({ type: 'call.incoming' }, started)
  if (rule.mode === 'flow' && rule.sendRinging) leg.ring()
  if (rule.mode === 'answer') leg.answerAfter(rule.ringMs ?? 0)
  return call
}
