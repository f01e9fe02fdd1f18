/**
 * The four state machines once more, written from the text of RFC 3261 17 and RFC 6026 in the simplest way: look at every millisecond, and
 * then at what comes in it. Nothing here is shared with src.
 */
export type Input =
  | { kind: 'response'; status: number }
  | { kind: 'respond'; status: number }
  | { kind: 'request' | 'ack' | 'cancel' | 'unsent' | 'ended' | 'close' | 'await' }

export interface Model {
  state: string
  /** `500 sends INVITE`, `700 tells final 486`. */
  readonly events: string[]
  tick(nowMs: number): void
  take(input: Input, nowMs: number): void
}

const T1 = 500
const T2 = 4_000
const T4 = 5_000
const T64 = 64 * T1

/** 17.1.1.2: intervals T1, 2*T1, 4*T1 … within 64*T1. */
const TIMER_A = [T1, 3 * T1, 7 * T1, 15 * T1, 31 * T1, 63 * T1]
/** 17.2.1: the interval doubles up to T2. */
const TIMER_G = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]

const isFinal = (status: number): boolean => status >= 200
const isSuccess = (status: number): boolean => status >= 200 && status < 300

/** 17.1.1, RFC 6026 7.2, 9.1 */
export function inviteClient(isReliable: boolean): Model {
  const events = ['0 sends INVITE']
  let cancelledAt: number | undefined
  let completedAt = 0
  let acceptedAt = 0
  const model: Model = {
    state: 'calling',
    events,
    tick(now) {
      if (model.state === 'calling' && !isReliable && TIMER_A.includes(now)) events.push(`${now} sends INVITE`)
      if (model.state === 'calling' && now === T64) fail(now, '408')
      if (model.state === 'completed' && now === completedAt + T64) model.state = 'terminated'
      if (model.state === 'accepted' && now === acceptedAt + T64) model.state = 'terminated'
      if (model.state === 'proceeding' && cancelledAt !== undefined && now === cancelledAt + T64) {
        events.push(`${now} tells failed 408`)
        model.state = 'accepted'
        acceptedAt = now
      }
    },
    take(input, now) {
      const { state } = model
      const open = state === 'calling' || state === 'proceeding'
      if (input.kind === 'response' && state !== 'terminated') respond(input.status, now)
      if (input.kind === 'unsent' && state === 'calling') fail(now, '503 unsent')
      if (input.kind === 'ended' && state === 'calling') {
        events.push(`${now} tells failed 503`)
        model.state = 'accepted'
        acceptedAt = now
      }
      if (input.kind === 'close' && open) fail(now, '503')
      else if (input.kind === 'close') model.state = 'terminated'
      if (input.kind === 'cancel' && state === 'proceeding' && cancelledAt === undefined) {
        cancelledAt = now
        events.push(`${now} sends CANCEL`)
      }
    },
  }
  const fail = (now: number, why: string): void => {
    events.push(`${now} tells failed ${why}`)
    model.state = 'terminated'
  }
  const respond = (status: number, now: number): void => {
    const open = model.state === 'calling' || model.state === 'proceeding'
    if (isSuccess(status)) {
      events.push(`${now} tells success ${status}`)
      if (open) {
        model.state = 'accepted'
        acceptedAt = now
      }
    } else if (isFinal(status)) {
      if (open || model.state === 'completed') events.push(`${now} sends ACK`)
      if (!open) return
      events.push(`${now} tells final ${status}`)
      model.state = isReliable ? 'terminated' : 'completed'
      completedAt = now
    } else if (open) {
      events.push(`${now} tells provisional ${status}`)
      model.state = 'proceeding'
    }
  }
  return model
}

/** 17.1.2 */
export function nonInviteClient(isReliable: boolean): Model {
  const events = ['0 sends OPTIONS']
  let interval = T1
  let nextE = T1
  let completedAt = 0
  const end = (now: number, what: string, state: string): void => {
    events.push(`${now} tells ${what}`)
    model.state = state
  }
  const model: Model = {
    state: 'trying',
    events,
    tick(now) {
      const open = model.state === 'trying' || model.state === 'proceeding'
      if (open && now === T64) end(now, 'failed 408', 'terminated')
      else if (open && !isReliable && now === nextE) {
        events.push(`${now} sends OPTIONS`)
        interval = model.state === 'proceeding' ? T2 : Math.min(2 * interval, T2)
        nextE = now + interval
      }
      if (model.state === 'completed' && now === completedAt + T4) model.state = 'terminated'
    },
    take(input, now) {
      const { state } = model
      const open = state === 'trying' || state === 'proceeding'
      if (input.kind === 'response' && open) {
        if (isFinal(input.status)) {
          completedAt = now
          end(now, `final ${input.status}`, isReliable ? 'terminated' : 'completed')
        } else end(now, `provisional ${input.status}`, 'proceeding')
      }
      if (input.kind === 'unsent' && state === 'trying') end(now, 'failed 503 unsent', 'terminated')
      if (input.kind === 'ended' && state === 'trying') end(now, 'failed 503', 'terminated')
      if (input.kind === 'close' && open) end(now, 'failed 503', 'terminated')
      else if (input.kind === 'close') model.state = 'terminated'
    },
  }
  return model
}

/** 17.2.1, RFC 6026 7.1, 9.2; to a stranger Timer G fires once. */
export function inviteServer(isReliable: boolean, isKnown: boolean): Model {
  const events: string[] = []
  let last = 0
  let since = 0
  let over = false
  const end = (now: number, state: string): void => {
    model.state = state
    since = now
    if (!over) events.push(`${now} tells over`)
    over = true
  }
  const model: Model = {
    state: 'proceeding',
    events,
    tick(now) {
      const waited = now - since
      const timesOfG = isReliable ? [] : isKnown ? TIMER_G : TIMER_G.slice(0, 1)
      if (model.state === 'completed' && timesOfG.includes(waited)) events.push(`${now} sends ${last}`)
      if (model.state === 'completed' && waited === T64) end(now, 'terminated')
      if (model.state === 'accepted' && waited === T64) end(now, 'terminated')
      if (model.state === 'confirmed' && waited === T4) end(now, 'terminated')
    },
    take(input, now) {
      const { state } = model
      const repeats = (state === 'proceeding' && last > 0) || state === 'completed'
      const gone = state === 'terminated'
      if (input.kind === 'request' && repeats) events.push(`${now} sends ${last}`)
      if (input.kind === 'request' && gone) events.push(`${now} passes on INVITE`)
      if (input.kind === 'ack') acknowledge(now)
      if (input.kind === 'cancel' && state === 'proceeding') events.push(`${now} tells cancelled by CANCEL`)
      if (input.kind === 'close' && !gone) end(now, 'terminated')
      if (input.kind === 'respond') respond(input.status, now)
    },
  }
  const acknowledge = (now: number): void => {
    const { state } = model
    if (state === 'accepted' || state === 'terminated') events.push(`${now} passes on ACK`)
    if (state === 'completed') end(now, isReliable ? 'terminated' : 'confirmed')
  }
  const respond = (status: number, now: number): void => {
    const { state } = model
    if (state === 'proceeding' || (state === 'accepted' && isSuccess(status))) events.push(`${now} sends ${status}`)
    if (state !== 'proceeding') return
    last = status
    since = now
    if (isFinal(status)) model.state = isSuccess(status) ? 'accepted' : 'completed'
  }
  return model
}

/** 17.2.2; `await`: a user that takes longer than 64*T1 is not waited for (RFC 4320 4.2). */
export function nonInviteServer(isReliable: boolean): Model {
  const events: string[] = []
  let last = 0
  let completedAt = 0
  let awaitedSince: number | undefined
  const model: Model = {
    state: 'trying',
    events,
    tick(now) {
      const open = model.state === 'trying' || model.state === 'proceeding'
      if (open && awaitedSince !== undefined && now === awaitedSince + T64) {
        events.push(`${now} tells over`)
        model.state = 'terminated'
      }
      if (model.state === 'completed' && now === completedAt + T64) model.state = 'terminated'
    },
    take(input, now) {
      const open = model.state === 'trying' || model.state === 'proceeding'
      if (input.kind === 'request' && model.state === 'terminated') events.push(`${now} passes on OPTIONS`)
      else if (input.kind === 'request' && last > 0) events.push(`${now} sends ${last}`)
      if (input.kind === 'await' && open) awaitedSince ??= now
      if (input.kind === 'close' && open) events.push(`${now} tells over`)
      if (input.kind === 'close') model.state = 'terminated'
      if (input.kind === 'respond' && open) respond(input.status, now)
    },
  }
  const respond = (status: number, now: number): void => {
    last = status
    events.push(`${now} sends ${status}`)
    if (isFinal(status)) {
      events.push(`${now} tells over`)
      model.state = isReliable ? 'terminated' : 'completed'
      completedAt = now
    } else model.state = 'proceeding'
  }
  return model
}
