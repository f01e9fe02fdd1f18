/** A whole Node-RED: what the engine adds to it when idle, and calls that go through nodes: incoming, answer, hangup. */
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../test/support/peers/free-port.js'
import * as sip from '../test/support/peers/sipp-scenario.js'
import { importMeasured } from './measured-checkout.js'
import { rssKb } from './process-usage.js'
import { measureCalls, type SignallingFigures, type SignallingPlan, sippCalls } from './signalling.js'

export interface NodeRedFigures extends SignallingFigures {
  /** Resident memory before an account is deployed, and the increase with the engine running and no call yet. */
  idleMb: number
  engineMb: number
}

/** INVITE, 200, ACK; the flow hangs up. */
const caller: sip.Step[] = [
  sip.invite(),
  sip.expectFinal(200, { timed: true }),
  sip.ack(),
  sip.expectRequest('BYE'),
  sip.accept,
]
const SAMPLES = 5

export interface NodeRedPlan extends SignallingPlan {
  /** An idle V8 collects the garbage of its start after a while. */
  settleMs: number
}

export async function measureNodeRed(plan: NodeRedPlan): Promise<NodeRedFigures> {
  type Processes = typeof import('../test/support/node-red-process.js')
  const { startNodeRed } = await importMeasured<Processes>('test/support/node-red-process.js')
  const port = await freePort()
  // Both processes have the same age: the memory left from the start changes with time.
  const [without, nodeRed] = await Promise.all([startNodeRed(), startNodeRed()])
  try {
    await Promise.all([without.deploy([{ id: 'tab', type: 'tab', label: 'calls' }]), nodeRed.deploy(await flow(port))])
    await delay(plan.settleMs)
    const [idleKb, engineKb] = await Promise.all([leastKb(without.pid), leastKb(nodeRed.pid)])
    await without.close()
    const place = sippCalls(`127.0.0.1:${port}`, { steps: caller, user: 'alice' })
    const figures = await measureCalls(plan, nodeRed.pid, place)
    return { ...figures, idleMb: idleKb / 1024, engineMb: (engineKb - idleKb) / 1024 }
  } finally {
    await Promise.all([without.close(), nodeRed.close()])
  }
}

/** The other checkout of a comparison may be older. */
const portField = (item: object): string => ('bindPort' in item ? 'bindPort' : 'udpPort')

async function flow(port: number) {
  const { account } = await importMeasured<typeof import('../test/support/flow-items.js')>('test/support/flow-items.js')
  const at = { z: 'tab', x: 1, y: 1 }
  return account({ maxCalls: '3000', inboundFrom: 'anyone', allowedSources: '127.0.0.0/8', mediaTimeout: '0' })
    .map((item) => (item.type === 'sip-transport' ? { ...item, [portField(item)]: String(port) } : item))
    .concat(
      { id: 'incoming', type: 'sip-incoming', ...at, account: 'account', sendRinging: false, wires: [['answer'], []] },
      { id: 'answer', type: 'sip-answer', ...at, wires: [['hangup'], []] },
      { id: 'hangup', type: 'sip-hangup', ...at, wires: [[]] },
    )
}

/** The lowest of several samples: garbage that is not collected yet is not a cost of being idle. */
async function leastKb(pid: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < SAMPLES; i++) {
    least = Math.min(least, rssKb(pid))
    await delay(500)
  }
  return least
}
