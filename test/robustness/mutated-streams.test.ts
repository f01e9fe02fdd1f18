import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineChild } from '../support/engine-child.js'
import type { Usage } from '../support/engine-child-commands.js'
import { LONG, ms, percentile, tell } from '../support/figures.js'
import { Mutations } from '../support/mutations.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { randomFrom } from '../support/relay-fates.js'
import { SipProber } from '../support/sip-prober.js'
import { StreamPeer } from '../support/stream-peer.js'

const MESSAGES = LONG ? 200_000 : 20_000
const CONNECTIONS = 10
/** A connection ends in the middle of a message. */
const MESSAGES_PER_CONNECTION = 20
const PROBE_MS = 200

describe(`${MESSAGES} mutated messages over TCP`, function () {
  this.timeout(LONG ? 600_000 : 60_000)

  let engine: EngineChild
  let prober: SipProber

  before(async () => {
    const folder = peerFolder.folder('streams')
    const account = { allowedSources: ['127.0.0.1'] }
    const transport = { ports: { udp: 0, tcp: 0 } }
    engine = await EngineChild.start({ folder, kind: 'assembled', noSound: true, account, transport })
    prober = await SipProber.open(engine.local)
  })

  after(async () => {
    await prober.close()
    await engine.close()
  })

  it('cut anywhere, left in the middle: none ends it, none throws, others are answered, nothing stays open', async () => {
    const random = randomFrom(20261121)
    const mutations = new Mutations(random)
    const talk = async (peer: StreamPeer) => {
      for (let n = 0; n < MESSAGES_PER_CONNECTION && !peer.socket.destroyed; n++) {
        const bytes = mutations.next('ringflow', `127.0.0.1:${peer.port}`)
        const cut = Math.floor(random() * bytes.length)
        await Promise.race([peer.sendInPieces([bytes.subarray(0, cut), bytes.subarray(cut)]), peer.closed])
        sent++
      }
    }
    let sent = 0
    let opened = 0
    const probes: number[] = []
    const round = async () => {
      const peers = await Promise.all(
        Array.from({ length: CONNECTIONS }, () => StreamPeer.connect(engine.local.port, engine.local.host)),
      )
      opened += peers.length
      await Promise.all(peers.map(talk))
      probes.push((await prober.options()).ms)
      await Promise.all(peers.map((peer) => peer.close()))
    }
    await round() // opens what is opened once and stays
    const before = await engine.call('usage', null)
    while (sent < MESSAGES) await round()
    const after = await settled(engine, before.fds)
    const faults = await engine.call('faults', null)
    tell(
      `OPTIONS between ${sent} mutated messages on ${opened} connections`,
      `p50 ${ms(percentile(probes, 0.5))}, p99 ${ms(percentile(probes, 0.99))} of ${probes.length}`,
      `each within ${PROBE_MS} ms`,
    )
    tell('descriptors after mutated streams', `${before.fds} before, ${after.fds} after`, 'the same')
    tell('exceptions', `${faults.length}`, 'none')
    assert.deepEqual(faults.slice(0, 3), [])
    assert.ok(percentile(probes, 0.99) <= PROBE_MS, `p99 ${percentile(probes, 0.99)}`)
    assert.ok(after.fds <= before.fds)
  })
})

/** Connections that the engine opens to answer time out after a while. */
async function settled(engine: EngineChild, fds: number): Promise<Usage> {
  const untilMs = performance.now() + 10_000
  for (;;) {
    const usage = await engine.call('usage', null)
    if (usage.fds <= fds || performance.now() > untilMs) return usage
    await delay(200)
  }
}
