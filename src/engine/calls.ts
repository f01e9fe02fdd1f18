import { CallRates, checkOutbound } from '../account/outbound-policy.js'
import type { Target } from '../account/target.js'
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { newId } from '../base/ids.js'
import type { Logger } from '../base/logger.js'
import { RecentSet } from '../base/recent-set.js'
import { TransientMap } from '../base/transient-map.js'
import { type Call, type CallAccount, type CallDeps, type HangupInit, placeCall, takeCall } from '../call/call.js'
import type { CallEvent, CallSnapshot } from '../call/call-event.js'
import type { MediaService } from '../media/client.js'
import type { IncomingInvite } from '../sip/types.js'
import type { AccountEntry } from './account-entry.js'
import type { Lease } from './endpoints.js'
import type { DialCommand, InboundRule } from './protocol.js'

export interface CallsDeps {
  clock: Clock
  log: Logger
  media: MediaService
  /** Looks up host names in the SDP of peers; never rejects. */
  lookup: CallDeps['lookup']
  tell: (event: CallEvent) => void
}

interface CallRecord {
  accountId: string
  /** A command may come before `placeCall` has resolved. */
  placed: Promise<Call>
  place: (call: Call) => void
  fail: (error: unknown) => void
  call: Call | undefined
  lease: Lease
}

/** RFC 3261 16.6 (Timer C): limits the ringing of a peer that has died. */
const LONGEST_RING_MS = 180_000
/** Ids of ended calls that are remembered, to distinguish CALL_ENDED from NO_CALL. */
const MAX_ENDED = 10_000
/** For an account without a rule: no node can take the call, so it gets 480. */
const NOBODY: InboundRule = { mode: 'reject', sendRinging: false, decideMs: 0, rejectStatus: 480, owner: null }

/** The calls of one engine, from the first packet to `call.ended`, the last event of each. */
export class Calls {
  readonly #deps: CallsDeps
  readonly #records = new TransientMap<string, CallRecord>()
  readonly #countByAccount = new Map<string, number>()
  readonly #ended = new RecentSet<string>(MAX_ENDED)
  /** Kept when an account is set again, so that a deploy does not reset the limit. */
  readonly #rates: CallRates

  constructor(deps: CallsDeps) {
    this.#deps = deps
    this.#rates = new CallRates(deps.clock)
  }

  countOf(accountId: string): number {
    return this.#countByAccount.get(accountId) ?? 0
  }

  snapshots(): CallSnapshot[] {
    return [...this.#records.values()].flatMap(({ call }) => (call ? [call.snapshot()] : []))
  }

  /** Throws CALL_ENDED for the id of an ended call, NO_CALL for an unknown id. */
  async get(callId: string): Promise<Call> {
    return this.#record(callId).placed
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

  async dial(entry: AccountEntry, command: DialCommand): Promise<string> {
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
    this.#rates.take(config.id, config.maxCallsPerMinute ?? 0)
    const record = this.#enroll(callId, entry)
    try {
      const call = await placeCall(this.#callDeps(entry, callId), {
        callId,
        target,
        account: callAccountOf(entry),
        owner: command.owner ?? null,
        ringTimeoutMs: command.ringTimeoutMs || config.ringTimeoutMs || LONGEST_RING_MS,
        ...(config.followRedirects === false ? {} : { redirect: (uri: string) => this.targetOf(entry, uri) }),
        onEvent: (event) => this.#hear(event),
        ...(command.callerName ? { callerName: command.callerName } : {}),
        ...(command.headers ? { headers: command.headers } : {}),
        ...(command.tags ? { tags: command.tags } : {}),
        ...(command.codecs ? { codecs: command.codecs } : {}),
      })
      record.place(call)
      return callId
    } catch (error) {
      record.fail(error)
      this.#forget(callId)
      throw error
    }
  }

  /** Takes an INVITE that the account's policy has admitted. Never throws. */
  take(entry: AccountEntry, invite: IncomingInvite, rule: InboundRule | undefined): void {
    const callId = newId()
    const record = this.#enroll(callId, entry)
    try {
      const { owner, ...how } = rule ?? NOBODY
      const call = takeCall(this.#callDeps(entry, callId), invite, {
        callId,
        account: callAccountOf(entry),
        owner,
        rule: how,
        onEvent: (event) => this.#hear(event),
      })
      record.place(call)
    } catch (error) {
      this.#deps.log.error({ callId, err: error }, 'an inbound call could not be taken')
      record.fail(error)
      this.#forget(callId)
      invite.reject(500)
    }
  }

  /** Ends calls whose account, transport or engine was removed. */
  async hangUpAll(how: HangupInit, accountId?: string): Promise<void> {
    const concerned = [...this.#records.values()].filter(
      (record) => accountId === undefined || record.accountId === accountId,
    )
    await Promise.allSettled(concerned.map(async ({ placed }) => (await placed).hangup({ ...how, abandoned: true })))
  }

  /** Calls of this account whose local address is gone continue from the account's new address. */
  follow(entry: AccountEntry, isGone: (host: string) => boolean): void {
    for (const record of this.#records.values()) {
      if (record.accountId !== entry.config.id || !isGone(record.lease.endpoint.local.host)) continue
      const left = record.lease
      record.lease = entry.lease.fork()
      const place = { userAgent: entry.account.userAgent, rtp: rtpOf(entry) }
      const moved = record.placed.then((call) => call.moveTo(place))
      void moved.catch(() => undefined).then(() => left.release()) // never placed: `place` has reported the error
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
    let place = (_call: Call) => {}
    let fail = (_error: unknown) => {}
    const placed = new Promise<Call>((resolve, reject) => {
      place = resolve
      fail = reject
    })
    placed.catch(() => {}) // `place` reports the error; there may be no other listener
    const record: CallRecord = {
      accountId: entry.config.id,
      placed,
      place: (call) => {
        record.call = call
        place(call)
      },
      fail,
      call: undefined,
      lease: entry.lease.fork(),
    }
    this.#records.set(callId, record)
    this.#countByAccount.set(record.accountId, this.countOf(record.accountId) + 1)
    return record
  }

  #hear(event: CallEvent): void {
    if (event.type === 'call.ended') {
      this.#forget(event.callId)
      this.#ended.add(event.callId)
    }
    this.#deps.tell(event)
  }

  #forget(callId: string): void {
    const record = this.#records.get(callId)
    if (!record) return
    this.#records.delete(callId)
    const left = this.countOf(record.accountId) - 1
    if (left > 0) this.#countByAccount.set(record.accountId, left)
    else this.#countByAccount.delete(record.accountId)
    void record.lease.release()
  }

  #callDeps(entry: AccountEntry, callId: string): CallDeps {
    const { clock, log, media, lookup } = this.#deps
    return {
      clock,
      media,
      lookup,
      log: log.child({ callId, accountId: entry.config.id }),
      userAgent: entry.account.userAgent,
    }
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
  }
}
