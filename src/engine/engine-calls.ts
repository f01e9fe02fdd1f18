import { parseAor } from '../account/aor.js'
import { CallRates, checkOutbound, isWithin } from '../account/outbound-policy.js'
import type { Target } from '../account/target.js'
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { newId } from '../base/ids.js'
import type { Logger } from '../base/logger.js'
import { plainCopy } from '../base/plain-copy.js'
import { RecentSet } from '../base/recent-set.js'
import { TransientMap } from '../base/transient-map.js'
import {
  type Call,
  type CallAccount,
  type CallDeps,
  type CallReports,
  type HangupInit,
  type LocalPlace,
  type OutgoingCallInit,
  placeCall,
  type TransferResult,
  type TransferRules,
  takeCall,
} from '../call/call.js'
import type { CallEvent, CallSnapshot } from '../call/call-event.js'
import type { MediaService } from '../media/client.js'
import type { IncomingInvite, SipDialog } from '../sip/types.js'
import { parseReplaces } from '../sip/uri/replaces.js'
import type { AccountEntry } from './account-entry.js'
import type { Lease } from './endpoints.js'
import type { AccountConfig, DialCommand, InboundRule } from './protocol.js'

export interface EngineCallsDeps {
  clock: Clock
  log: Logger
  media: MediaService
  /** Looks up host names in the SDP of peers; never rejects. */
  lookup: CallDeps['lookup']
  tell: (event: CallEvent) => void
  /** The current entry of an account. Throws NO_ACCOUNT. */
  entryOf: (accountId: string) => AccountEntry
}

/** A dialog as RFC 3261 12 identifies it. `remoteTag` is '' if the peer has none. */
export type DialogId = Pick<SipDialog, 'sipCallId' | 'localTag' | 'remoteTag'>

interface CallRecord {
  accountId: string
  /** Undefined while the call is being placed. */
  call: Call | undefined
  /** A command may come before `placeCall` has resolved. */
  placing: Promise<Call> | undefined
  /** Key in the index of dialogs; undefined before the answer. */
  dialog: string | undefined
  lease: Lease
}

/** RFC 3261 16.6 (Timer C): limits the ringing of a peer that has died. */
const LONGEST_RING_MS = 180_000
/** Ids of ended calls that are remembered, to distinguish CALL_ENDED from NO_CALL. */
const MAX_ENDED = 10_000
/** For an account without a rule: no node can take the call, so it gets 480. */
const NO_RULE: InboundRule = { mode: 'reject', sendRinging: false, decideMs: 0, rejectStatus: 480, owner: null }

/** The calls of one engine, from the first packet to `call.ended`, the last event of each. */
export class EngineCalls {
  readonly #deps: EngineCallsDeps
  readonly #records = new TransientMap<string, CallRecord>()
  readonly #countByAccount = new Map<string, number>()
  readonly #byDialog = new TransientMap<string, CallRecord>()
  readonly #ended = new RecentSet<string>(MAX_ENDED)
  /** Kept when an account is set again, so that a deploy does not reset the limit. */
  readonly #rates: CallRates

  readonly #reports: CallReports = {
    onEvent: (event) => this.#hear(event),
    onDialog: (callId, dialog) => this.#index(callId, dialog),
  }

  readonly #transfers: TransferRules = {
    policyOf: (accountId) => this.#deps.entryOf(accountId).config.transfers ?? 'deny',
    placeOf: (accountId, uri) => {
      const entry = this.#deps.entryOf(accountId)
      const { config, account } = entry
      const target = this.targetOf(entry, uri)
      this.#rates.take(accountId, config.maxCallsPerMinute ?? 0)
      return { userAgent: account.userAgent, target, ringTimeoutMs: config.ringTimeoutMs || LONGEST_RING_MS }
    },
  }

  constructor(deps: EngineCallsDeps) {
    this.#deps = deps
    this.#rates = new CallRates(deps.clock)
  }

  countOf(accountId: string): number {
    return this.#countByAccount.get(accountId) ?? 0
  }

  /** Copies: events have the snapshots themselves, and one message to another thread may carry both. */
  snapshots(): CallSnapshot[] {
    return [...this.#records.values()].flatMap(({ call }) => (call ? [plainCopy(call.snapshot())] : []))
  }

  /** Throws CALL_ENDED for the id of an ended call, NO_CALL for an unknown id. */
  async get(callId: string): Promise<Call> {
    return placedCall(this.#record(callId))
  }

  /** The answered call that has this dialog (RFC 3891 3, RFC 4235); undefined if it has ended or there is none. */
  callOfDialog(dialog: DialogId): Call | undefined {
    return this.#byDialog.get(keyOf(dialog))?.call
  }

  accountIdOf(callId: string): string {
    return this.#record(callId).accountId
  }

  /** Resolves a typed target and checks that this account may call it. Every command that places a call uses it. Throws BAD_TARGET, TARGET_BLOCKED. */
  targetOf({ account, config }: AccountEntry, typed: string): Target {
    const target = account.target(typed, config.dialPlan)
    const countryCode = config.dialPlan?.countryCode ?? ''
    checkOutbound(config, { typed, target, domain: account.peers.aor.domain, countryCode })
    return target
  }

  async dial(entry: AccountEntry, command: DialCommand & { group?: string }): Promise<Call> {
    const { config } = entry
    const callId = command.callId ?? newId()
    if (this.#records.has(callId) || this.#ended.has(callId)) {
      throw new TelephonyError('BAD_ARGUMENT', `the call id ${callId} is in use. Use a new one`)
    }
    if (this.countOf(config.id) >= config.maxCalls) {
      throw new TelephonyError(
        'CALL_LIMIT',
        `the account ${config.name || config.aor} has reached its limit of ${config.maxCalls} simultaneous calls. Wait until a call ends, or raise the limit`,
      )
    }
    const target = this.targetOf(entry, command.target)
    const caller = callerOf(entry, command)
    this.#rates.take(config.id, config.maxCallsPerMinute ?? 0)
    const record = this.#enroll(callId, entry)
    record.placing = placeCall(this.#callDeps(entry, callId), {
      callId,
      target,
      account: callAccountOf(entry),
      owner: command.owner ?? null,
      ringTimeoutMs: command.ringTimeoutMs || config.ringTimeoutMs || LONGEST_RING_MS,
      ...redirectOf(config, (uri) => this.targetOf(entry, uri)),
      ...(config.delayedOffer ? { delayedOffer: true } : {}),
      ...this.#reports,
      ...(command.callerName ? { callerName: command.callerName } : {}),
      ...caller,
      ...(command.group ? { group: command.group } : {}),
      ...(command.headers ? { headers: command.headers } : {}),
      ...(command.tags ? { tags: command.tags } : {}),
      ...(command.codecs ? { codecs: command.codecs } : {}),
    })
    try {
      const call = await record.placing
      record.call = call
      record.placing = undefined
      return call
    } catch (error) {
      this.#forget(callId)
      throw error
    }
  }

  /** Transfers a call to a target, or to the peer of another answered call. */
  async transfer(
    callId: string,
    to: { target?: string | undefined; toCallId?: string | undefined },
    init: { limitMs?: number },
    entry: AccountEntry,
  ): Promise<TransferResult> {
    const call = await this.get(callId)
    if (to.toCallId !== undefined) return call.transfer(await this.get(to.toCallId), init)
    return call.transfer(this.targetOf(entry, to.target ?? '').uri.text, init)
  }

  /** RFC 3891 3: an INVITE with Replaces takes the place of a call of the same account, or is refused. Never throws. */
  replace(entry: AccountEntry, invite: IncomingInvite): void {
    if (!entry.account.isKnown(invite.request.source.host)) {
      invite.reject(403) // RFC 3891 8: not for each source that has seen the tags
      return
    }
    const values = invite.request.headers('Replaces')
    const replaces = values.length === 1 ? parseReplaces(values[0] ?? '') : undefined
    if (!replaces) {
      invite.reject(400)
      return
    }
    const { callId: sipCallId, toTag: localTag, fromTag: remoteTag, earlyOnly } = replaces
    const record = this.#byDialog.get(keyOf({ sipCallId, localTag, remoteTag }))
    // Another account's call is not disclosed: its caller may reach this account only.
    if (!record?.call || record.accountId !== entry.config.id) invite.reject(481)
    else if (earlyOnly) invite.reject(486)
    else record.call.replaceBy(invite)
  }

  /** Takes an INVITE that the account's policy has admitted. Never throws. */
  take(entry: AccountEntry, invite: IncomingInvite, rule: InboundRule | undefined): void {
    const callId = newId()
    const record = this.#enroll(callId, entry)
    try {
      const { owner, ...how } = rule ?? NO_RULE
      record.call = takeCall(this.#callDeps(entry, callId), invite, {
        callId,
        account: callAccountOf(entry),
        owner,
        rule: how,
        ...this.#reports,
      })
    } catch (error) {
      this.#deps.log.error({ callId, err: error }, 'an inbound call could not be taken')
      this.#forget(callId)
      invite.reject(500)
    }
  }

  /** Ends calls whose account, transport or engine was removed. */
  async hangUpAll(how: HangupInit, accountId?: string): Promise<void> {
    const concerned = [...this.#records.values()].filter(
      (record) => accountId === undefined || record.accountId === accountId,
    )
    await Promise.allSettled(
      concerned.map(async (record) => (await placedCall(record)).hangup({ ...how, abandoned: true })),
    )
  }

  /** Calls of this account whose local address is gone continue from the account's new address. */
  follow(entry: AccountEntry, isGone: (host: string) => boolean): void {
    for (const record of this.#records.values()) {
      if (record.accountId !== entry.config.id || !isGone(record.lease.endpoint.local.host)) continue
      const left = record.lease
      record.lease = entry.lease.fork()
      const place = { userAgent: entry.account.userAgent, rtp: rtpOf(entry) }
      void this.#move(record, place).then(() => left.release())
    }
  }

  async #move(record: CallRecord, place: LocalPlace): Promise<void> {
    try {
      await (await placedCall(record)).moveTo(place)
    } catch {
      // The call was never placed; `dial` has reported why.
    }
  }

  #record(callId: string): CallRecord {
    const record = this.#records.get(callId)
    if (record) return record
    if (this.#ended.has(callId)) throw new TelephonyError('CALL_ENDED', `the call ${callId} has ended`)
    throw new TelephonyError(
      'NO_CALL',
      callId ? `the call ${callId} does not exist. Use the id of a live call` : 'the call id is missing',
    )
  }

  #enroll(callId: string, entry: AccountEntry): CallRecord {
    const accountId = entry.config.id
    const record: CallRecord = {
      accountId,
      call: undefined,
      placing: undefined,
      dialog: undefined,
      lease: entry.lease.fork(),
    }
    this.#records.set(callId, record)
    this.#countByAccount.set(accountId, this.countOf(accountId) + 1)
    return record
  }

  #hear(event: CallEvent): void {
    if (event.type === 'call.ended') {
      this.#forget(event.callId)
      this.#ended.add(event.callId)
    }
    this.#deps.tell(event)
  }

  #index(callId: string, dialog: DialogId): void {
    const record = this.#records.get(callId)
    if (!record) return
    this.#unindex(record)
    record.dialog = keyOf(dialog)
    this.#byDialog.set(record.dialog, record)
  }

  #forget(callId: string): void {
    const record = this.#records.get(callId)
    if (!record) return
    this.#records.delete(callId)
    this.#unindex(record)
    const left = this.countOf(record.accountId) - 1
    if (left > 0) this.#countByAccount.set(record.accountId, left)
    else this.#countByAccount.delete(record.accountId)
    void record.lease.release()
  }

  #unindex(record: CallRecord): void {
    const { dialog } = record
    if (dialog !== undefined && this.#byDialog.get(dialog) === record) this.#byDialog.delete(dialog)
  }

  #callDeps(entry: AccountEntry, callId: string): CallDeps {
    const { clock, log, media, lookup } = this.#deps
    return {
      clock,
      media,
      lookup,
      log: log.child({ callId, accountId: entry.config.id }),
      userAgent: entry.account.userAgent,
      transfers: this.#transfers,
      trust: entry.account,
    }
  }
}

/** Rejects if the call was never placed. */
async function placedCall(record: CallRecord): Promise<Call> {
  // A command in the first event of an inbound call comes before `takeCall` has returned.
  const call = record.call ?? (await record.placing) ?? record.call
  if (call) return call
  throw new TelephonyError('INTERNAL', 'the call could not be taken')
}

/** A line break cannot be part of a Call-ID or a tag (RFC 3261 25.1). */
const keyOf = ({ sipCallId, localTag, remoteTag }: DialogId): string => `${sipCallId}\n${localTag}\n${remoteTag}`

/** Resolves the address of a redirection, if the account follows them. */
function redirectOf(
  { redirects = 'follow', aor }: AccountConfig,
  targetOf: (uri: string) => Target,
): { redirect?: (uri: string) => Target } {
  if (redirects === 'refuse') return {}
  if (redirects === 'follow') return { redirect: targetOf }
  const own = parseAor(aor).domain
  return {
    redirect: (uri) => {
      const target = targetOf(uri)
      if (isWithin(target.uri, own)) return target
      throw new TelephonyError('TARGET_BLOCKED', `“${uri}” is outside of the account’s own domain ${own}`)
    },
  }
}

/** The caller of a call and its earlier targets, as the command names them. Throws BAD_ARGUMENT. */
function callerOf(
  { account }: AccountEntry,
  { callerId, hideCallerId, diverted, autoAnswer }: DialCommand,
): Pick<OutgoingCallInit, 'callerId' | 'hideCallerId' | 'diverted' | 'autoAnswer'> {
  const named = (what: string, text: string) => {
    try {
      const { uri, user } = account.target(text)
      return { uri: uri.text, user }
    } catch (error) {
      throw new TelephonyError('BAD_ARGUMENT', `${what}: ${TelephonyError.from(error).message}`)
    }
  }
  return {
    ...(callerId && { callerId: named('the caller ID', callerId) }),
    ...(hideCallerId && { hideCallerId }),
    ...(autoAnswer && { autoAnswer }),
    ...(diverted && {
      diverted: diverted.map(({ target, reason = 'unknown' }) => ({ ...named('a diversion', target), reason })),
    }),
  }
}

function rtpOf({ config, lease, mediaAddress }: AccountEntry): CallAccount['rtp'] {
  const { rtpPortMin: portMin, rtpPortMax: portMax } = config.transport
  return { address: lease.endpoint.local.host, advertise: mediaAddress.host, portMin, portMax }
}

function callAccountOf(entry: AccountEntry): CallAccount {
  const { config, account } = entry
  const { aor } = account.peers
  return {
    id: config.id,
    name: config.name,
    identity: { uri: aor.uri, user: aor.user, displayName: config.displayName },
    codecs: config.codecs,
    rtp: rtpOf(entry),
    dtmfToneMs: config.dtmfToneMs,
    mediaTimeoutMs: config.mediaTimeoutMs,
    abandonedAfterMs: config.abandonedAfterMs ?? 0,
    mediaSource: config.mediaSource ?? 'auto',
    exposeHeaders: config.exposeHeaders,
    callerIdBy: config.callerIdBy ?? 'from',
    dtmfMode: config.dtmfMode ?? 'auto',
  }
}
