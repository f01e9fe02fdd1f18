import type { CallEnd, CallEvent, CallSnapshot, CdrRecord } from '../../src/call/call-event.js'
import type { Engine, EngineCommands, EngineEvents } from '../../src/engine/protocol.js'

type Op = keyof EngineCommands
type Reply<Name extends Op> = (arg: Parameters<EngineCommands[Name]>[0]) => ReturnType<EngineCommands[Name]> | unknown

/** An engine that does nothing by itself: a test scripts its replies, tells its events and reads what it was asked. */
export class FakeEngine implements Engine {
  readonly commands: { op: Op; arg: unknown }[] = []
  closed = 0
  readonly #replies = new Map<Op, (arg: never) => unknown>()
  readonly #listeners = new Map<keyof EngineEvents, Set<(data: never) => void>>()
  #waiting: { op: Op; resolve: (arg: unknown) => void }[] = []
  readonly #calls = new Map<string, { snapshot: CallSnapshot; owner: string | null; seq: number }>()

  constructor() {
    this.reply('setAccount', () => ({ local: { host: '127.0.0.1', port: 5060 } }))
    this.reply('dial', ({ callId }) => ({ callId }))
  }

  call<Name extends Op>(
    op: Name,
    arg: Parameters<EngineCommands[Name]>[0],
  ): Promise<Awaited<ReturnType<EngineCommands[Name]>>> {
    // As over the worker's port: plain data, copied, and the answer comes later.
    const sent = structuredClone(arg) as unknown
    this.commands.push({ op, arg: sent })
    return Promise.resolve().then(() => {
      const waiting = this.#waiting.filter((waiter) => waiter.op === op)
      for (const { resolve } of waiting) resolve(sent)
      this.#waiting = this.#waiting.filter((waiter) => !waiting.includes(waiter))
      return this.#replies.get(op)?.(sent as never) as Awaited<ReturnType<EngineCommands[Name]>>
    })
  }

  on<Name extends keyof EngineEvents>(name: Name, listener: (data: EngineEvents[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    listeners.add(listener as (data: never) => void)
    return () => void listeners.delete(listener as (data: never) => void)
  }

  async close(): Promise<void> {
    this.closed++
  }

  // --- what tests do

  reply<Name extends Op>(op: Name, reply: Reply<Name>): void {
    this.#replies.set(op, reply as (arg: never) => unknown)
  }

  /** Resolves with the argument of the next command of this name. */
  asked<Name extends Op>(op: Name): Promise<Parameters<EngineCommands[Name]>[0]> {
    return new Promise((resolve) => this.#waiting.push({ op, resolve: resolve as (arg: unknown) => void }))
  }

  sent<Name extends Op>(op: Name): Parameters<EngineCommands[Name]>[0][] {
    return this.commands.filter((command) => command.op === op).map(({ arg }) => arg as never)
  }

  emit<Name extends keyof EngineEvents>(name: Name, data: EngineEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(structuredClone(data) as never)
  }

  /** A call exists from now on. */
  begin(
    id: string,
    init: {
      owner: string | null
      accountId?: string
      direction?: CallSnapshot['direction']
      alert?: CallSnapshot['alert']
      group?: string
    },
  ): void {
    const snapshot: CallSnapshot = {
      id,
      sipCallId: `${id}@127.0.0.1`,
      account: { id: init.accountId ?? 'account', name: 'pbx' },
      direction: init.direction ?? 'outbound',
      state: 'trying',
      from: { uri: 'sip:alice@127.0.0.1', user: 'alice', displayName: '' },
      to: { uri: 'sip:bob@127.0.0.1', user: 'bob' },
      startedAt: '2026-01-01T00:00:00.000Z',
      answeredAt: null,
      endedAt: null,
      durationMs: 0,
      codec: null,
      hold: { local: false, remote: false },
      headers: {},
      identity: null,
      alert: init.alert ?? null,
      tags: {},
      group: init.group ?? null,
      end: null,
    }
    this.#calls.set(id, { snapshot, owner: init.owner, seq: 0 })
  }

  /** Tells one event of a call, with the fields that its type has beside the common ones. */
  tell(id: string, type: CallEvent['type'], fields: Record<string, unknown> = {}): void {
    const call = this.#calls.get(id)
    if (!call) throw new Error(`the test has not begun the call ${id}`)
    call.seq++
    const state = STATES[type]
    if (state) call.snapshot = { ...call.snapshot, state }
    const common = { type, callId: id, at: '2026-01-01T00:00:01.000Z', seq: call.seq, owner: call.owner }
    this.emit('call', { ...common, call: call.snapshot, ...fields } as CallEvent)
  }

  end(id: string, end: Partial<CallEnd> = {}): void {
    const call = this.#calls.get(id)
    if (!call) throw new Error(`the test has not begun the call ${id}`)
    const full: CallEnd = { by: 'remote', cause: 'normal', sipCode: null, reason: '', ...end }
    call.snapshot = { ...call.snapshot, end: full, endedAt: '2026-01-01T00:00:02.000Z' }
    this.tell(id, 'call.ended', { end: full, stats: null, cdr: cdrOf(call.snapshot, full) })
  }
}

const STATES: Partial<Record<CallEvent['type'], CallSnapshot['state']>> = {
  'call.incoming': 'ringing',
  'call.trying': 'trying',
  'call.ringing': 'ringing',
  'call.early': 'early',
  'call.answered': 'answered',
  'call.held': 'held',
  'call.resumed': 'answered',
  'call.ended': 'ended',
}

function cdrOf(call: CallSnapshot, end: CallEnd): CdrRecord {
  return {
    id: call.id,
    sipCallId: call.sipCallId,
    accountId: call.account.id,
    account: call.account.name,
    direction: call.direction,
    fromUri: call.from.uri,
    fromUser: call.from.user,
    fromName: call.from.displayName,
    toUri: call.to.uri,
    toUser: call.to.user,
    startedAt: call.startedAt,
    ringingAt: null,
    answeredAt: call.answeredAt,
    endedAt: call.endedAt ?? call.startedAt,
    durationMs: 0,
    talkMs: 0,
    endedBy: end.by,
    cause: end.cause,
    sipCode: end.sipCode,
    reason: end.reason,
    codec: call.codec,
    digits: '',
    packetsSent: 0,
    packetsReceived: 0,
    packetsLost: 0,
    discardedPackets: 0,
    jitterMs: null,
    rttMs: null,
    mos: null,
    heard: null,
    undecodedPackets: 0,
    strangerPackets: 0,
    strangerSources: '',
    recordings: '',
    tags: '',
  }
}
