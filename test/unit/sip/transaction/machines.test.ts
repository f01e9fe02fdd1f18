import assert from 'node:assert/strict'
import type { ClientUser } from '../../../../src/sip/transaction/transaction.js'
import { Bench, FakeFlow, outgoing, responseTo } from './fixture.js'
import { type Machine, tryTable } from './table.js'

/** The machines of the server side: server-machines.test.ts. */

const RESPONSES = ['100', '183', '200', '302', '486', '603']
const TIMES: Readonly<Record<string, number>> = { '500 ms': 500, '5 s': 5_000, '32 s': 32_000 }
const NO_USER: ClientUser = { provisional() {}, final() {}, failed() {} }

interface Client {
  readonly state: string
  close(reason: string): void
}

/** The inputs that both client machines have. */
async function clientInput(bench: Bench, client: Client, name: string): Promise<void> {
  const { clock, flow, layer } = bench
  const request = flow.sent[0] ?? ''
  const before = flow.sent.length
  if (RESPONSES.includes(name)) layer.receiveResponse(responseTo(request, Number(name)))
  else if (name === 'first unsent') await flow.fail(0)
  else if (name === 'connection ended') layer.flowEnded(flow, 'it has ended')
  else if (name === 'other connection ended') layer.flowEnded(new FakeFlow('tcp'), 'it has ended')
  else if (name === 'close') client.close('given up')
  else if (name === 'repeat unsent') {
    clock.advance(500)
    if (flow.sent.length > before) await flow.fail(-1)
  } else clock.advance(TIMES[name] ?? assert.fail(name))
}

const CLIENT_INPUTS = [
  ...RESPONSES,
  ...['first unsent', 'repeat unsent', 'connection ended', 'other connection ended', 'close'],
  ...Object.keys(TIMES),
]

tryTable({
  title: 'INVITE client transaction',
  states: ['calling', 'proceeding', 'cancelled', 'given up', 'completed', 'accepted', 'terminated'],
  unreliableOnly: ['completed'],
  inputs: [...CLIENT_INPUTS, 'cancel'],
  async reach(state, protocol) {
    const bench = new Bench(protocol)
    const client = bench.layer.invite(outgoing('INVITE'), bench.flow, bench.clientUser)
    const invite = bench.flow.sent[0] ?? ''
    const cancel = (): void => void bench.layer.cancel(client, outgoing('CANCEL'), NO_USER)
    const receive = (status: number): void => void bench.layer.receiveResponse(responseTo(invite, status))
    const ways: Readonly<Record<string, () => void>> = {
      calling: () => {},
      proceeding: () => receive(180),
      cancelled() {
        receive(180)
        cancel()
        bench.layer.receiveResponse(responseTo(bench.flow.sent[1] ?? '', 200))
      },
      'given up'() {
        ways.cancelled?.()
        bench.clock.advance(32_000)
      },
      completed: () => receive(404),
      accepted: () => receive(200),
      terminated: () => client.close('at an end'),
    }
    ways[state]?.()
    const via = client.via
    const machine: Machine = {
      bench,
      get state() {
        return client.state
      },
      label: (text) =>
        new Map([
          [invite, 'INVITE'],
          [ackTo(via), 'ACK'],
          [cancelOf(via), 'CANCEL'],
        ]).get(text),
      input: (name) => (name === 'cancel' ? cancel() : clientInput(bench, client, name)),
    }
    return machine
  },
  rows: `
calling    | 100, 183               | proceeding |            | provisional $     | RFC 3261 17.1.1.2
calling    | 200                    | accepted   |            | success $         | RFC 6026 7.2
calling    | udp: 302, 486, 603     | completed  | ACK        | final $           | RFC 3261 17.1.1.2
calling    | tcp: 302, 486, 603     | terminated | ACK        | final $           | RFC 3261 17.1.1.2, Timer D is zero
calling    | first unsent           | terminated |            | failed 503 unsent | RFC 3261 17.1.4, 8.1.3.1
calling    | udp: repeat unsent     | calling    | INVITE     |                   | RFC 3261 17.1.4 says SHOULD: Timer B decides
calling    | tcp: repeat unsent     | calling    |            |                   | RFC 3261 17.1.1.2, no Timer A
calling    | connection ended       | accepted   |            | failed 503        | RFC 3261 17.1.4, 8.1.3.1; a late 2xx is ended
calling    | other connection ended | calling    |            |                   | RFC 3261 17.1.4
calling    | cancel                 | calling    |            |                   | RFC 3261 9.1, not before a provisional
calling    | close                  | terminated |            | failed 503        | ours
calling    | udp: 500 ms            | calling    | INVITE     |                   | RFC 3261 17.1.1.2, Timer A
calling    | udp: 5 s               | calling    | 3 INVITE   |                   | RFC 3261 17.1.1.2, Timer A
calling    | udp: 32 s              | terminated | 6 INVITE   | failed 408        | RFC 3261 17.1.1.2, Timer B
calling    | tcp: 500 ms, 5 s       | calling    |            |                   | RFC 3261 17.1.1.2, no Timer A
calling    | tcp: 32 s              | terminated | suspect 32000 | failed 408     | RFC 3261 17.1.1.2, Timer B
proceeding, cancelled | 100, 183    | proceeding |            | provisional $     | RFC 3261 17.1.1.2
proceeding, cancelled | 200         | accepted   |            | success $         | RFC 6026 7.2
proceeding, cancelled | udp: 302, 486, 603 | completed  | ACK | final $           | RFC 3261 17.1.1.2
proceeding, cancelled | tcp: 302, 486, 603 | terminated | ACK | final $           | RFC 3261 17.1.1.2, Timer D is zero
proceeding, cancelled | first unsent, repeat unsent, connection ended, other connection ended | proceeding | | | RFC 3261 17.1.4, the request has arrived
proceeding | cancel                 | proceeding | CANCEL     |                   | RFC 3261 9.1
proceeding | 500 ms, 5 s, 32 s      | proceeding |            |                   | RFC 3261 17.1.1.2, neither A nor B
cancelled  | cancel                 | proceeding |            |                   | RFC 3261 9.1, one CANCEL
cancelled  | 500 ms, 5 s            | proceeding |            |                   | RFC 3261 9.1
cancelled  | 32 s                   | accepted   |            | failed 408        | RFC 3261 9.1, 64*T1
proceeding, cancelled | close       | terminated |            | failed 503        | ours
accepted, given up | 200            | accepted   |            | success $         | RFC 6026 7.2
accepted, given up | 100, 183, 302, 486, 603, first unsent, repeat unsent, connection ended, other connection ended, cancel, 500 ms, 5 s | accepted | | | RFC 6026 7.2
accepted, given up | 32 s, close    | terminated |            |                   | RFC 6026 7.2, Timer M
completed  | udp: 302, 486, 603          | completed  | ACK        |                   | RFC 3261 17.1.1.2
completed  | udp: 200                    | completed  |            | success $         | RFC 3261 13.2.2.4, another fork
completed  | udp: 100, 183, first unsent, repeat unsent, connection ended, other connection ended, cancel, 500 ms, 5 s | completed | | | RFC 3261 17.1.1.2
completed  | udp: 32 s, close            | terminated |            |                   | RFC 3261 17.1.1.2, Timer D
terminated | 100, 183, 200, 302, 486, 603, first unsent, repeat unsent, connection ended, other connection ended, cancel, close, 500 ms, 5 s, 32 s | terminated | | | RFC 3261 17.1.1.2`,
})

tryTable({
  title: 'non-INVITE client transaction',
  states: ['trying', 'proceeding', 'completed', 'terminated'],
  unreliableOnly: ['completed'],
  inputs: CLIENT_INPUTS,
  reach(state, protocol) {
    const bench = new Bench(protocol)
    const client = bench.layer.request(outgoing('OPTIONS'), bench.flow, bench.clientUser)
    const request = bench.flow.sent[0] ?? ''
    if (state === 'proceeding') bench.layer.receiveResponse(responseTo(request, 100))
    if (state === 'completed') bench.layer.receiveResponse(responseTo(request, 404))
    if (state === 'terminated') client.close('at an end')
    return {
      bench,
      get state() {
        return client.state
      },
      label: (text) => (text === request ? 'OPTIONS' : undefined),
      input: (name) => clientInput(bench, client, name),
    }
  },
  rows: `
trying     | 100, 183               | proceeding |            | provisional $     | RFC 3261 17.1.2.2
proceeding | 100, 183               | proceeding |            | provisional $     | RFC 3261 17.1.2.2
trying, proceeding | udp: 200, 302, 486, 603 | completed  |   | final $           | RFC 3261 17.1.2.2
trying, proceeding | tcp: 200, 302, 486, 603 | terminated |   | final $           | RFC 3261 17.1.2.2, Timer K is zero
trying     | first unsent           | terminated |            | failed 503 unsent | RFC 3261 17.1.4, 8.1.3.1
trying     | connection ended       | terminated |            | failed 503        | RFC 3261 17.1.4, 8.1.3.1
trying     | other connection ended | trying     |            |                   | RFC 3261 17.1.4
proceeding | first unsent, connection ended, other connection ended | proceeding | | | RFC 3261 17.1.4, the request has arrived
trying     | udp: repeat unsent     | trying     | OPTIONS    |                   | RFC 3261 17.1.4 says SHOULD: Timer F decides
proceeding | udp: repeat unsent     | proceeding | OPTIONS    |                   | RFC 3261 17.1.4 says SHOULD: Timer F decides
trying     | tcp: repeat unsent, 500 ms, 5 s | trying |       |                   | RFC 3261 17.1.2.2, no Timer E
proceeding | tcp: repeat unsent, 500 ms, 5 s | proceeding |   |                   | RFC 3261 17.1.2.2, no Timer E
trying, proceeding | close          | terminated |            | failed 503        | ours
trying     | udp: 500 ms            | trying     | OPTIONS    |                   | RFC 3261 17.1.2.2, Timer E
trying     | udp: 5 s               | trying     | 3 OPTIONS  |                   | RFC 3261 17.1.2.2, Timer E
trying     | udp: 32 s              | terminated | 10 OPTIONS | failed 408        | RFC 3261 17.1.2.2, Timer F
proceeding | udp: 500 ms            | proceeding | OPTIONS    |                   | RFC 3261 17.1.2.2, Timer E
proceeding | udp: 5 s               | proceeding | 2 OPTIONS  |                   | RFC 3261 17.1.2.2, Timer E is T2
proceeding | udp: 32 s              | terminated | 8 OPTIONS  | failed 408        | RFC 3261 17.1.2.2, Timer F
trying, proceeding | tcp: 32 s      | terminated | suspect 32000 | failed 408     | RFC 3261 17.1.2.2, Timer F
completed  | udp: 100, 183, 200, 302, 486, 603, first unsent, repeat unsent, connection ended, other connection ended, 500 ms | completed | | | RFC 3261 17.1.2.2
completed  | udp: 5 s, 32 s, close  | terminated |            |                   | RFC 3261 17.1.2.2, Timer K
terminated | 100, 183, 200, 302, 486, 603, first unsent, repeat unsent, connection ended, other connection ended, close, 500 ms, 5 s, 32 s | terminated | | | RFC 3261 17.1.2.2`,
})

/** RFC 3261 17.1.1.3: Request-URI, every Route, Via, Call-ID, From and CSeq number of the INVITE, To of the response; no body. */
const ackTo = (via: string): string =>
  [
    'ACK sip:bob@192.0.2.1 SIP/2.0',
    `Via: ${via}`,
    'Route: <sip:p1.example.com;lr>',
    'Route: "Second" <sip:p2.example.com;lr;x=1>',
    'Max-Forwards: 70',
    'From: <sip:alice@example.com>;tag=ours',
    'To: "Bob" <sip:bob@example.org>;tag=theirs;x=y',
    'Call-ID: call@example.com',
    'CSeq: 7 ACK',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')

/** RFC 3261 9.1: the same, but with To of the INVITE. Its Via is that of the INVITE as well. */
const cancelOf = (via: string): string => outgoing('CANCEL').toText(via, new FakeFlow())
