import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineChild } from '../support/engine-child.js'
import type { Usage } from '../support/engine-child-commands.js'
import { LONG, ms, percentile, tell } from '../support/figures.js'
import { Mutations } from '../support/mutations.js'
import { freePort } from '../support/peers/free-port.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { randomFrom } from '../support/relay-fates.js'
import { testTls } from '../support/sip-parties.js'
import { SipProber } from '../support/sip-prober.js'
import { StreamPeer } from '../support/stream-peer.js'
import { WsPeer } from '../support/ws-peer.js'

const CONNECTIONS = 10
/** A connection ends in the middle of a message. An OPTIONS waits behind those of all connections. */
const MESSAGES_PER_CONNECTION = { tcp: 20, tls: 20, ws: 10 }
const PROBE_MS = 200

interface Connection {
  /** Of the address in a Via. */
  port: number
  isClosed(): boolean
  /** In two pieces. Resolves when they have gone, or the connection is closed. */
  send(bytes: Buffer, cut: number): Promise<unknown>
  close(): Promise<void>
}

const ofStream = (peer: StreamPeer): Connection => ({
  port: peer.port,
  isClosed: () => peer.socket.destroyed,
  send: (bytes, cut) => Promise.race([peer.sendInPieces([bytes.subarray(0, cut), bytes.subarray(cut)]), peer.closed]),
  close: () => peer.close(),
})

/** Two fragments of one message (RFC 6455 5.4). */
const ofWebSocket = (peer: WsPeer): Connection => ({
  port: 5060,
  isClosed: () => peer.isClosed,
  send: (bytes, cut) => {
    const sent = new Promise((resolve) => {
      peer.socket.send(bytes.subarray(0, cut), { fin: false }, () => undefined)
      peer.socket.send(bytes.subarray(cut), resolve)
    })
    return Promise.race([sent, peer.closed])
  },
  close: () => peer.close(),
})

const WAYS = [
  { protocol: 'tcp', messages: 20_000, connect: async (port: number) => ofStream(await StreamPeer.connect(port)) },
  { protocol: 'tls', messages: 4_000, connect: async (port: number) => ofStream(await StreamPeer.connectTls(port)) },
  { protocol: 'ws', messages: 4_000, connect: async (port: number) => ofWebSocket(await WsPeer.connect(port)) },
] as const

for (const { protocol, messages, connect } of WAYS) {
  const total = LONG ? 10 * messages : messages

  describe(`${total} mutated messages over ${protocol.toUpperCase()}`, function () {
    this.timeout(LONG ? 600_000 : 60_000)

    let engine: EngineChild
    let prober: SipProber
    let port: number

    before(async () => {
      port = await freePort()
      const folder = peerFolder.folder('streams')
      const account = { allowedSources: ['127.0.0.1'] }
      const transport = { ports: { udp: 0, [protocol]: port }, tls: testTls() }
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
      const talk = async (peer: Connection) => {
        for (let n = 0; n < MESSAGES_PER_CONNECTION[protocol] && !peer.isClosed(); n++) {
          const bytes = mutations.next('ringflow', `127.0.0.1:${peer.port}`)
          await peer.send(bytes, Math.floor(random() * bytes.length))
          sent++
        }
      }
      let sent = 0
      let opened = 0
      const probes: number[] = []
      const round = async () => {
        const peers = await Promise.all(Array.from({ length: CONNECTIONS }, () => connect(port)))
        opened += peers.length
        await Promise.all(peers.map(talk))
        probes.push((await prober.options()).ms)
        await Promise.all(peers.map((peer) => peer.close()))
      }
      await round() // opens what is opened once and stays
      const before = await engine.call('usage', null)
      while (sent < total) await round()
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
}

/** Connections that the engine opens to answer time out after a while. */
async function settled(engine: EngineChild, fds: number): Promise<Usage> {
  const untilMs = performance.now() + 10_000
  for (;;) {
    const usage = await engine.call('usage', null)
    if (usage.fds <= fds || performance.now() > untilMs) return usage
    await delay(200)
  }
}
