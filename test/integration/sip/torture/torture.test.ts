/**
 * RFC 4475 and RFC 5118 as tables of expected outcomes, over UDP, TLS, WebSocket, and TCP cut at every octet. The messages are our
 * own, made from the descriptions in the RFCs.
 */
import assert from 'node:assert/strict'
import { parseMessage } from '../../../../src/sip/message/parser.js'
import { RawPeer } from '../../../support/raw-peer.js'
import { SOURCE } from '../../../support/sip-messages.js'
import { Party } from '../../../support/sip-parties.js'
import { StreamPeer } from '../../../support/stream-peer.js'
import { seeded } from '../../../support/udp-relay.js'
import { WsPeer } from '../../../support/ws-peer.js'
import { request, type TortureCase } from './case.js'
import { SEMANTICS } from './rfc4475-semantics.js'
import { INVALID, VALID } from './rfc4475-syntax.js'
import { IPV6 } from './rfc5118.js'

const TABLES: readonly [rfc: string, size: number, cases: readonly TortureCase[]][] = [
  ['RFC 4475', 49, [...VALID, ...INVALID, ...SEMANTICS]],
  ['RFC 5118', 12, IPV6],
]
/** Nothing may take longer. */
const LIMIT_MS = 1_000
/** Larger messages are cut at so many places by chance. */
const EVERY_OCTET_UP_TO = 700
const CUTS_OF_LARGE = 100

let sendings = 0

function octetsOf(text: string, protocol: 'UDP' | 'TCP' | 'TLS' | 'WS', port: number): Buffer {
  const filled = text
    .replaceAll('UNIQUE', `u${++sendings}`)
    .replaceAll('/UDP', `/${protocol}`)
    .replaceAll('PORT', String(port))
  // The body's octets are given as they are; names and phrases of the head are UTF-8.
  const end = filled.indexOf('\r\n\r\n')
  return Buffer.concat([Buffer.from(filled.slice(0, end)), Buffer.from(filled.slice(end), 'latin1')])
}

const statusOf = (text: string): number => Number(text.split(' ', 2)[1])
const probe = request('OPTIONS sip:probe@example.com SIP/2.0', { 'Call-ID': 'Call-ID: probe-UNIQUE' })

describe('torture tests', function () {
  this.timeout(60_000)
  let party: Party
  const users: string[] = []

  before(async () => {
    party = await Party.open('bob', { protocol: 'udp+tcp+tls+ws', agent: { anyUser: true, handlers } })
  })
  after(() => party.close())

  const handlers = {
    admit: (incoming: { uriUser: string }) => {
      users.push(incoming.uriUser)
      return { admit: true } as const
    },
    invite: (invite: { reject(status: number): void }) => invite.reject(486),
    request: (incoming: { accept(): void }) => incoming.accept(),
  }

  for (const [rfc, size, cases] of TABLES) {
    it(`${rfc} over UDP`, async () => {
      const { port } = party.endpoint.local
      let slowestMs = 0
      for (const torture of cases) {
        const peer = await RawPeer.open()
        const startedMs = performance.now()
        users.length = 0
        peer.send(octetsOf(torture.text, 'UDP', peer.port), port)
        peer.send(octetsOf(probe, 'UDP', peer.port), port)
        const finals = await finalsBeforeProbe(() => peer.everything.next())
        slowestMs = Math.max(slowestMs, performance.now() - startedMs)
        check(torture, typeof torture.outcome === 'number' ? [torture.outcome] : [], finals, 'UDP')
        await peer.close()
      }
      conclude(rfc, 'UDP', size, cases, slowestMs)
    })

    // A WebSocket keeps the ends of messages, as UDP does (RFC 7118 5).
    it(`${rfc} over WebSocket`, async () => {
      const port = party.endpoint.listeners.find(({ protocol }) => protocol === 'ws')?.port ?? 0
      const peer = await WsPeer.connect(port)
      let slowestMs = 0
      for (const torture of cases) {
        const startedMs = performance.now()
        users.length = 0
        peer.send(octetsOf(torture.text, 'WS', 9))
        peer.send(octetsOf(probe, 'WS', 9))
        const finals = await finalsBeforeProbe(() => peer.messages.next())
        slowestMs = Math.max(slowestMs, performance.now() - startedMs)
        check(torture, typeof torture.outcome === 'number' ? [torture.outcome] : [], finals, 'WS')
      }
      await peer.close()
      conclude(rfc, 'WebSocket', size, cases, slowestMs)
    })

    it(`${rfc} over TCP, cut at every octet`, async () => {
      const { port } = party.endpoint.local
      const random = seeded(4475)
      let slowestMs = 0
      let cuts = 0
      for (const torture of cases) {
        let peer = await StreamPeer.connect(port)
        for (const at of cutsOf(octetsOf(torture.text, 'TCP', peer.port).length, random)) {
          if (peer.socket.destroyed) peer = await StreamPeer.connect(port)
          const startedMs = performance.now()
          await tryCut(torture, at, peer)
          slowestMs = Math.max(slowestMs, performance.now() - startedMs)
          cuts++
        }
        await peer.close()
      }
      conclude(rfc, `TCP with ${cuts} cuts`, size, cases, slowestMs)
    })

    it(`${rfc} over TLS, each message in two records`, async () => {
      const port = party.endpoint.listeners.find(({ protocol }) => protocol === 'tls')?.port ?? 0
      let slowestMs = 0
      let peer = await StreamPeer.connectTls(port)
      for (const torture of cases) {
        if (peer.socket.destroyed) peer = await StreamPeer.connectTls(port)
        const startedMs = performance.now()
        await tryCut(torture, octetsOf(torture.text, 'TLS', peer.port).length >> 1, peer, 'TLS')
        slowestMs = Math.max(slowestMs, performance.now() - startedMs)
      }
      await peer.close()
      conclude(rfc, 'TLS', size, cases, slowestMs)
    })
  }

  async function tryCut(
    torture: TortureCase,
    at: number,
    peer: StreamPeer,
    over: 'TCP' | 'TLS' = 'TCP',
  ): Promise<void> {
    const expected = overStream(torture)
    const octets = octetsOf(torture.text, over, peer.port)
    users.length = 0
    await peer.sendInPieces([octets.subarray(0, at), octets.subarray(at)])
    if (expected === 'waits') {
      assert.deepEqual(peer.messages.waiting, [], torture.name)
      await peer.close()
    } else if (isBrokenStream(torture)) {
      await peer.closed
      check(torture, expected, await waitingFinals(peer), over)
    } else {
      peer.send(octetsOf(probe, over, peer.port))
      check(torture, expected, await finalsBeforeProbe(() => peer.messages.next()), over)
    }
  }

  /** Answers that are final, up to that to the probe. */
  async function finalsBeforeProbe(next: () => Promise<string>): Promise<string[]> {
    const finals: string[] = []
    for (;;) {
      const text = await next()
      if (/^Call-ID: probe-/m.test(text)) return finals
      if (statusOf(text) >= 200) finals.push(text)
    }
  }

  async function waitingFinals(peer: StreamPeer): Promise<string[]> {
    const finals: string[] = []
    while (peer.messages.waiting.length > 0) finals.push(await peer.messages.next())
    return finals
  }

  function check(torture: TortureCase, expected: readonly number[], finals: readonly string[], over: string): void {
    const { name, section, says, user, outcome } = torture
    const label = `${section} ${name} over ${over}`
    assert.deepEqual(finals.map(statusOf), expected, `${label}: ${finals.join('\n')}`)
    if (says) assert.match(finals[0]?.replace(/\/(TCP|TLS|WS)\b/g, '/UDP') ?? '', says, label)
    if (user !== undefined) assert.equal(users[0], user, label)
    if (outcome === 'accepted') parseMessage(octetsOf(torture.text, 'UDP', 1), SOURCE)
  }
})

const overStream = ({ overStream: other, outcome }: TortureCase): readonly number[] | 'waits' => {
  if (other === 'waits' || Array.isArray(other)) return other
  const status = other ?? outcome
  return typeof status === 'number' ? [status] : []
}

/** What ends the connection: its sender cannot be followed any further. */
const isBrokenStream = ({ name }: TortureCase): boolean => name === 'ncl' || name === 'mcl01'

function* cutsOf(octets: number, random: () => number): Generator<number> {
  if (octets <= EVERY_OCTET_UP_TO) for (let at = 1; at < octets; at++) yield at
  else for (let n = 0; n < CUTS_OF_LARGE; n++) yield 1 + Math.floor(random() * (octets - 1))
}

function conclude(rfc: string, over: string, size: number, cases: readonly TortureCase[], slowestMs: number): void {
  const byOutcome = new Map<string, string[]>()
  for (const { outcome, name } of cases)
    byOutcome.set(String(outcome), [...(byOutcome.get(String(outcome)) ?? []), name])
  const statuses = [...byOutcome].sort().map(([outcome, names]) => `${outcome}: ${names.join(' ')}`)
  console.log(`      ${rfc} over ${over}: ${cases.length}/${size}, slowest ${slowestMs.toFixed(0)} ms (1 s)`)
  if (over === 'UDP') console.log(`        ${statuses.join('\n        ')}`)
  assert.equal(cases.length, size)
  assert.ok(slowestMs < LIMIT_MS)
}
