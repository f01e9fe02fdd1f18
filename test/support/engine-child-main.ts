/** The process of an `EngineChild`. */
import { readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { startHostedEngine } from '../../src/engine/client.js'
import type { Engine } from '../../src/engine/protocol.js'
import { AssembledEngine, NoSound } from './assembled-engine.js'
import type { ChildCommands, ChildInit } from './engine-child-commands.js'
import { ANSWER, loopbackAccount } from './engine-pair.js'
import { fastClock } from './fast-clock.js'

const ACCOUNT = 'ringflow'
const TONE_MS = 20_000
/** A machine that is busy with something else takes its time; calls that wait in queues would tell about that alone. */
const MAX_AT_ONCE = 50
/** A collection leaves what a second one takes. */
const COLLECTIONS = 3

let engine: Engine | undefined
const answered = new Set<string>()
const begun = new Set<string>()
let most = 0
const ended: Record<string, number> = {}
const faults: string[] = []
let onEnded: (callId: string, cause: string) => void = () => {}

function theEngine(): Engine {
  if (!engine) throw new Error('not started')
  return engine
}

async function makeEngine({ kind, folder, noSound, speed = 1, logLevel = 'error' }: ChildInit): Promise<Engine> {
  const init = { mediaRoots: [folder], recordRoot: folder, logLevel }
  if (kind === 'hosted') return startHostedEngine(init)
  const sink = (level: string, line: string) => {
    if (level === 'error' || level === 'fatal') faults.push(line)
  }
  return new AssembledEngine(init, {
    sink,
    ...(speed > 1 ? { clock: fastClock(speed) } : {}),
    ...(noSound ? { media: new NoSound() } : {}),
  })
}

function listen({ plays }: ChildInit): void {
  const told = theEngine()
  told.on('log', ({ level, line }) => {
    if (level === 'error') faults.push(line)
  })
  told.on('call', (event) => {
    const { callId } = event
    if (event.type === 'call.ended') begun.delete(callId)
    else begun.add(callId)
    most = Math.max(most, begun.size)
    if (event.type === 'call.answered') {
      answered.add(callId)
      const source = { kind: 'tone' as const, hz: [440], durationMs: TONE_MS, levelDbfs: -13 }
      if (plays) told.call('play', { callId, mediaId: 'tone', source, repeat: 0 }).catch(() => {})
    }
    if (event.type !== 'call.ended') return
    answered.delete(callId)
    ended[event.end.cause] = (ended[event.end.cause] ?? 0) + 1
    onEnded(callId, event.end.cause)
  })
}

const commands: ChildCommands = {
  start: async (init) => {
    engine = await makeEngine(init)
    listen(init)
    const account = loopbackAccount(ACCOUNT, {
      maxCalls: 100_000,
      inboundFrom: 'anyone',
      allowedSources: ['127.0.0.0/8'],
      ...init.account,
    })
    const transport = { ...account.transport, ...init.transport }
    const { local } = await engine.call('setAccount', { ...account, transport })
    await engine.call('setInbound', { accountId: ACCOUNT, rule: { ...ANSWER, ...init.rule } })
    for (let n = 1; n <= (init.neighbours ?? 0); n++) {
      const own = {
        id: `n${n}`,
        name: `n${n}`,
        aor: `n${n}@127.0.0.1`,
        allowedSources: [`198.51.${n >> 8}.${n & 255}`],
      }
      await engine.call('setAccount', { ...account, ...own, transport })
    }
    return local
  },
  engine: async ({ op, arg }) => theEngine().call(op, arg as never),
  spin: async ({ busyMs, restMs, forMs }) => {
    let spins = 0
    for (const untilMs = performance.now() + forMs; performance.now() < untilMs; spins++) {
      const freeMs = performance.now() + busyMs
      while (performance.now() < freeMs);
      await delay(restMs)
    }
    return spins
  },
  dial: async ({ target, count, perSecond }) => {
    const causes: Record<string, number> = {}
    let left = count
    const over = new Promise<void>((resolve) => {
      onEnded = (_callId, cause) => {
        causes[cause] = (causes[cause] ?? 0) + 1
        if (--left === 0) resolve()
      }
    })
    const off = theEngine().on('call', ({ type, callId }) => {
      if (type === 'call.answered') void theEngine().call('hangup', { callId })
    })
    const startedMs = performance.now()
    for (let n = 0; n < count; n++) {
      const aheadMs = (n * 1000) / perSecond - (performance.now() - startedMs)
      if (aheadMs >= 1) await delay(aheadMs)
      while (n - (count - left) >= MAX_AT_ONCE) await delay(1)
      theEngine()
        .call('dial', { accountId: ACCOUNT, target })
        .catch((error: { code?: string }) => onEnded('', `refused ${error.code}`))
    }
    await over
    off()
    return causes
  },
  hear: async ({ forMs }) => {
    const ids = [...answered]
    const files = await Promise.all(
      ids.map((callId) => theEngine().call('startRecord', { callId, mediaId: `${Date.now()}`, file: '' })),
    )
    await delay(forMs)
    await Promise.all(ids.map((callId) => theEngine().call('stopRecord', { callId })))
    return files.map(({ path }) => path)
  },
  stats: () => Promise.all([...answered].map((callId) => theEngine().call('stats', { callId }))),
  usage: async () => {
    for (let n = 0; n < COLLECTIONS; n++) {
      globalThis.gc?.()
      await delay(50)
    }
    const { rss, heapUsed } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    return {
      rssOctets: rss,
      heapOctets: heapUsed,
      // One of them is the folder that is being read.
      fds: readdirSync('/proc/self/fd').length - 1,
      threads: readdirSync('/proc/self/task').length,
      cpuMs: (user + system) / 1000,
    }
  },
  calls: async () => ({ live: (await theEngine().call('calls', null)).length, most, ended }),
  faults: async () => faults,
  close: async () => {
    await engine?.close()
  },
}

process.on('message', ({ i, op, a }: { i: number; op: keyof ChildCommands; a: unknown }) => {
  const run = commands[op] as (arg: unknown) => Promise<unknown>
  run(a).then(
    (r) => {
      process.send?.({ re: i, r })
      if (op === 'close') process.disconnect()
    },
    (error: unknown) => process.send?.({ re: i, e: String(error) }),
  )
})
