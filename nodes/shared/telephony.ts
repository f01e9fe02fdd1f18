/** Connects the parts, once per process: the engine, its accounts and calls, and the nodes that exist now. */
import { type Clock, systemClock } from '../../src/base/clock.js'
import type { EngineCommands, EngineEvents } from '../../src/engine/protocol.js'
import { Deploys } from './deploys.js'
import { TelephonyError } from './errors.js'
import { FlowAccounts } from './flow-accounts.js'
import { FlowCalls, guard } from './flow-calls.js'
import { HttpsCertificate } from './https-certificate.js'
import { type Ended, LiveNodes } from './live-nodes.js'
import { AccountTroubles, sentenceOf, traceSentence, writeLog } from './logs.js'
import type { OutsideEvent } from './outside-event.js'
import type { RED } from './red.js'
import { engineInit, SharedEngine, unsentPath } from './shared-engine.js'
import { UnsentRecords } from './unsent-records.js'

const deploys = new Deploys()
const live = new LiveNodes()
const engine = new SharedEngine()
const https = new HttpsCertificate({
  clock: systemClock,
  renewed: () => accounts.renew(),
  problem: (text) => log('warn', text),
})
const accounts = new FlowAccounts({
  engine,
  clock: systemClock,
  isClosing: () => deploys.phase === 'closing',
  complete: (config) => https.complete(config),
})

/** The deploy under way has closed some of our nodes, so events wait until the new ones exist. */
let away = false

const calls = new FlowCalls({ live, isAway: () => away, orphaned: orphan, record })
const troubles = new AccountTroubles({ log, now: () => systemClock.wall() })
const nameOf = (accountId: string): string | undefined => accounts.config(accountId)?.name
let unsent: UnsentRecords | undefined
let logsTo: RED | undefined
/** The work that a stop waits for. */
let stopping = Promise.resolve()

/** The objects that all nodes share. They have module scope because they outlive the nodes. */
export const telephony = {
  deploys,
  live,
  engine,
  accounts,
  calls,
  clock: systemClock as Clock,
  /** A command whose failure does not matter: the engine may have stopped. */
  tell<Op extends keyof EngineCommands>(op: Op, arg: Parameters<EngineCommands[Op]>[0]): void {
    engine.call(op, arg).catch(() => undefined)
  },
}

engine.on('call', (event) => calls.handle(event))
accounts.on('registration', (accountId, registration) => {
  for (const node of live.listeningTo('onRegistration'))
    guard(node, () => node.onRegistration?.(accountId, registration))
})
for (const name of ['message', 'peer', 'subscription'] as const) engine.on(name, tellOutside)
engine.on('engine', tellEngine)
engine.on('trace', (line) => log('info', traceSentence(line)))
engine.on('log', ({ level, line }) => log(level, sentenceOf(line, nameOf)))
accounts.on('change', (accountId, state) => {
  tellAccount(accountId)
  troubles.changed(accountId, nameOf(accountId) ?? accountId, state)
})
deploys.on('started', settle)
deploys.on('stop', () => {
  stopping = stop()
})

/** Every node module calls this when Node-RED loads it. */
export function connect(RED: RED): void {
  engine.configure(engineInit(RED))
  https.configure(RED)
  deploys.watch(RED.events)
  const path = unsentPath(RED)
  const problem = (text: string) => RED.log.error(`[ringflow] ${text}`)
  if (unsent?.path !== path) unsent = path ? new UnsentRecords({ problem }, { path }) : undefined
  logsTo = RED
}

/** Called when one of our nodes closes. Resolves at once in a deploy, and at a stop after all calls and registrations have ended. */
export function nodeClosed(): Promise<void> {
  if (deploys.phase === 'closing') away = true
  return deploys.phase === 'stopped' ? stopping : Promise.resolve()
}

function settle(): void {
  away = false
  accounts.sweepInbound((owner, accountId) => live.get(owner)?.accountId === accountId)
  tellAccount('')
  calls.resume()
  unsent?.deliver((events) => {
    // The flows may have stopped while the file was read.
    if (deploys.phase !== 'running') return false
    for (const event of events) record(event)
    return true
  })
}

async function stop(): Promise<void> {
  away = false
  accounts.clear()
  https.stop()
  troubles.clear()
  await engine.stop()
  calls.clear(new TelephonyError('CLOSED', 'the flows were stopped'))
  await unsent?.settled
}

/** After a stop, the record is kept in a file until the next start. */
function record(event: Ended): void {
  if (deploys.phase === 'stopped') unsent?.keep(event)
  else for (const node of live.listeningTo('onRecord')) guard(node, () => node.onRecord?.(event))
}

/** Applies the account's policy for calls without a node: hang up or keep. The call may have ended by now. */
function orphan(callId: string): void {
  engine.call('orphan', { callId }).catch(() => undefined)
}

function tellAccount(accountId: string): void {
  for (const node of live.all()) {
    if (node.accountId === accountId || node.accountId === '') guard(node, () => node.showAccount())
  }
}

function tellOutside(event: OutsideEvent): void {
  for (const node of live.listeningTo('onOutside')) guard(node, () => node.onOutside?.(event))
}

function tellEngine(event: EngineEvents['engine']): void {
  for (const node of live.all())
    guard(node, () => {
      node.refresh()
      node.onEngine?.(event)
    })
}

function log(level: string, text: string): void {
  if (logsTo) writeLog(logsTo, level, text)
}
