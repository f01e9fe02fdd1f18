/** The process that hosts the engine, so that its CPU time and memory are its own. Driven over IPC by `engine-process.ts`. */
import { setTimeout as delay } from 'node:timers/promises'
import type { MediaStats } from '../src/media/protocol.js'
import type { HostCommand, HostReply } from './engine-process.js'
import { importMeasured } from './measured-checkout.js'

const { Phone } = await importMeasured<typeof import('../test/support/phone.js')>('test/support/phone.js')

/** A long tone, so that it is repeated rarely: the prompt is encoded once and shared by all calls. */
const TONE_MS = 20_000

let phone: Awaited<ReturnType<typeof Phone.start>> | undefined
const talking = new Set<string>()

async function start(command: Extract<HostCommand, { kind: 'start' }>): Promise<HostReply> {
  phone = await Phone.start({
    folder: command.folder,
    hosted: command.hosted,
    keepEvents: false,
    inbound: { sendRinging: false },
    ...(command.transport && { transport: command.transport }),
  })
  const { engine } = phone
  // An older checkout gives no listeners.
  const listeners = command.transport ? (await engine.call('setAccount', phone.account)).listeners : []
  engine.on('call', (event) => {
    if (event.type === 'call.ended') talking.delete(event.callId)
    if (event.type !== 'call.answered') return
    talking.add(event.callId)
    if (!command.plays) return
    const source = { kind: 'tone' as const, hz: [440], durationMs: TONE_MS }
    // Rejects if the call ends while the tone is made; that does no harm.
    engine.call('play', { callId: event.callId, mediaId: 'tone', source, repeat: 0 }).catch(() => {})
  })
  return { kind: 'started', address: phone.address, listeners }
}

/** Places calls at a fixed rate, each ended as soon as it is answered. */
async function dial({ target, count, perSecond }: Extract<HostCommand, { kind: 'dial' }>): Promise<HostReply> {
  if (!phone) throw new Error('not started')
  const { engine, accountId } = phone
  const setupMs: number[] = []
  const begun = new Map<string, number>()
  let [ended, failed] = [0, 0]
  let finish = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const off = engine.on('call', (event) => {
    const atMs = begun.get(event.callId)
    if (atMs === undefined) return
    if (event.type === 'call.answered') {
      setupMs.push(performance.now() - atMs)
      void engine.call('hangup', { callId: event.callId })
    }
    if (event.type !== 'call.ended') return
    begun.delete(event.callId)
    if (event.end.cause !== 'normal') failed++
    if (++ended === count) finish()
  })
  const startedMs = performance.now()
  for (let i = 0; i < count; i++) {
    const aheadMs = (i * 1000) / perSecond - (performance.now() - startedMs)
    if (aheadMs >= 1) await delay(aheadMs)
    const callId = `bench-${startedMs}-${i}`
    begun.set(callId, performance.now())
    engine.call('dial', { accountId, target, callId }).catch(() => {
      begun.delete(callId)
      failed++
      if (++ended === count) finish()
    })
  }
  const placedMs = performance.now() - startedMs
  await Promise.race([finished, delay(20_000)])
  off()
  return { kind: 'dialled', placedMs, failed: failed + (count - ended), setupMs: setupMs.sort((a, b) => a - b) }
}

async function stats(): Promise<HostReply> {
  if (!phone) throw new Error('not started')
  const { engine } = phone
  const all = await Promise.all([...talking].map((callId) => engine.call('stats', { callId }).catch(() => null)))
  const sum = (of: (stats: MediaStats) => number) => all.reduce((total, one) => total + (one ? of(one) : 0), 0)
  return {
    kind: 'stats',
    calls: talking.size,
    packetsSent: sum((one) => one.packetsSent),
    packetsReceived: sum((one) => one.packetsReceived),
    packetsLost: sum((one) => one.packetsLost),
    latePackets: sum((one) => one.latePackets),
  }
}

const registered = new Set<string>()

/** The accounts share one transport and so its socket. */
async function register(command: Extract<HostCommand, { kind: 'register' }>): Promise<HostReply> {
  if (!phone) throw new Error('not started')
  const { engine, account } = phone
  const startedMs = performance.now()
  const all = new Promise<void>((resolve) => {
    engine.on('registration', ({ accountId, registration }) => {
      if (registration.state === 'registered') registered.add(accountId)
      else if (registration.state === 'failed') registered.delete(accountId)
      if (registered.size === command.count) resolve()
    })
  })
  const { count, domain, registrar = '', password = '', expiresSec } = command
  for (let i = 0; i < count; i++) {
    const user = `${command.user}${i}`
    const own = { id: user, name: user, aor: `${user}@${domain}`, registrar, password, register: true, expiresSec }
    await engine.call('setAccount', { ...account, ...own })
  }
  await Promise.race([all, delay(30_000)])
  return { kind: 'registered', ms: performance.now() - startedMs, count: registered.size }
}

/** What the first collection finalizes, the second one frees. */
async function memory(): Promise<HostReply> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.()
    await delay(100)
  }
  const { heapUsed, external } = process.memoryUsage()
  return { kind: 'memory', octets: heapUsed + external }
}

async function answer(command: HostCommand): Promise<HostReply> {
  if (command.kind === 'start') return start(command)
  if (command.kind === 'dial') return dial(command)
  if (command.kind === 'stats') return stats()
  if (command.kind === 'register') return register(command)
  if (command.kind === 'registered') return { kind: 'registered', ms: 0, count: registered.size }
  if (command.kind === 'memory') return memory()
  await phone?.close()
  return { kind: 'closed' }
}

process.on('message', (command: HostCommand) => {
  answer(command).then(
    (reply) => {
      process.send?.(reply)
      if (reply.kind === 'closed') process.disconnect()
    },
    (error: unknown) => process.send?.({ kind: 'failed', reason: String(error) } satisfies HostReply),
  )
})
