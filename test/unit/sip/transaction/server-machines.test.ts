import assert from 'node:assert/strict'
import type { InviteServer } from '../../../../src/sip/transaction/invite-server.js'
import type { NonInviteServer } from '../../../../src/sip/transaction/non-invite-server.js'
import { Bench, incoming, responseOf } from './fixture.js'
import { tryTable } from './table.js'

const STATUSES = ['100', '180', '200', '302', '486', '603']
const TIMES: Readonly<Record<string, number>> = { '500 ms': 500, '5 s': 5_000, '32 s': 32_000 }

const label = (text: string): string | undefined => /^SIP\/2\.0 (\d{3}) Ours\r\n\r\n$/.exec(text)?.[1]

/** The inputs that both server machines have. */
async function serverInput(bench: Bench, server: InviteServer | NonInviteServer, name: string): Promise<void> {
  const { clock, flow, layer, told } = bench
  const [kind, what = ''] = name.split(' ')
  if (kind === 'respond') server.respond(Number(what), responseOf(Number(what)))
  else if (kind === 'receive') {
    if (!layer.receiveRequest(incoming(what))) told.push(`${what} passed on`)
  } else if (name === 'unsent') await flow.fail(-1)
  else if (name === 'connection ended') layer.flowEnded(flow, 'it has ended')
  else if (name === 'close') server.close()
  else clock.advance(TIMES[name] ?? assert.fail(name))
}

const SERVER_INPUTS = [
  ...STATUSES.map((status) => `respond ${status}`),
  'unsent',
  'connection ended',
  'close',
  ...Object.keys(TIMES),
]

tryTable({
  title: 'INVITE server transaction',
  states: ['unanswered', 'proceeding', 'accepted', 'completed', 'for a stranger', 'confirmed', 'terminated'],
  unreliableOnly: ['confirmed'],
  inputs: [...SERVER_INPUTS, 'receive INVITE', 'receive ACK', 'CANCEL'],
  reach(state, protocol) {
    const bench = new Bench(protocol)
    const { layer, flow } = bench
    const invite = incoming('INVITE')
    assert.equal(layer.receiveRequest(invite), false)
    const server = layer.open(invite, flow, {
      toTag: 'ours',
      known: state !== 'for a stranger',
      user: bench.serverUser,
    }) as InviteServer
    const respond = (status: number): void => server.respond(status, responseOf(status))
    if (state === 'proceeding') respond(180)
    if (state === 'accepted') respond(200)
    if (['completed', 'confirmed', 'for a stranger'].includes(state)) respond(404)
    if (state === 'confirmed') layer.receiveRequest(incoming('ACK'))
    if (state === 'terminated') server.close()
    return {
      bench,
      get state() {
        return server.state
      },
      label,
      input(name) {
        if (name !== 'CANCEL') return serverInput(bench, server, name)
        const cancel = incoming('CANCEL')
        if (!layer.receiveRequest(cancel)) layer.inviteOf(cancel)?.cancel(cancel)
      },
    }
  },
  rows: `
unanswered | receive INVITE              | proceeding |       |                     | RFC 3261 17.2.1, nothing to send again
proceeding | receive INVITE              | proceeding | 180   |                     | RFC 3261 17.2.1
unanswered, proceeding | receive ACK     | proceeding |       |                     | RFC 3261 17.2.1
unanswered, proceeding | CANCEL          | proceeding |       | cancelled by CANCEL | RFC 3261 9.2
unanswered, proceeding | respond 100     | proceeding | 100   |                     | RFC 3261 17.2.1
unanswered, proceeding | respond 180     | proceeding | 180   |                     | RFC 3261 17.2.1
unanswered, proceeding | respond 200     | accepted   | 200   |                     | RFC 6026 7.1
unanswered, proceeding | respond 302     | completed  | 302   |                     | RFC 3261 17.2.1
unanswered, proceeding | respond 486     | completed  | 486   |                     | RFC 3261 17.2.1
unanswered, proceeding | respond 603     | completed  | 603   |                     | RFC 3261 17.2.1
unanswered | unsent                      | proceeding |       |                     | nothing was sent
proceeding | unsent                      | proceeding |       | unsent: no way      | RFC 6026 7.1
unanswered, proceeding | connection ended, 500 ms, 5 s, 32 s | proceeding | |         | RFC 3261 17.2.1, the user decides
unanswered, proceeding, completed, for a stranger | close | terminated | | over       | ours
accepted   | receive INVITE              | accepted   |       |                     | RFC 6026 7.1, absorbed
accepted   | receive ACK                 | accepted   |       | ACK passed on       | RFC 6026 7.1
accepted   | respond 200                 | accepted   | 200   |                     | RFC 6026 7.1
accepted   | respond 100, respond 180, respond 302, respond 486, respond 603 | accepted | | | RFC 6026 7.1
accepted   | CANCEL                      | accepted   |       |                     | RFC 3261 9.2
accepted   | unsent                      | accepted   |       | unsent: no way      | RFC 6026 7.1
accepted   | connection ended, 500 ms, 5 s | accepted |       |                     | RFC 6026 7.1
accepted   | 32 s                        | terminated |       | over                | RFC 6026 7.1, Timer L
accepted   | close                       | terminated |       | over                | ours
completed, for a stranger | receive INVITE | completed | 404 |                     | RFC 3261 17.2.1
completed, for a stranger | udp: receive ACK | confirmed |   | over                | RFC 3261 17.2.1
completed, for a stranger | tcp: receive ACK | terminated |  | over                | RFC 3261 17.2.1, Timer I is zero
completed, for a stranger | respond 100, respond 180, respond 200, respond 302, respond 486, respond 603 | completed | | | RFC 3261 17.2.1
completed, for a stranger | CANCEL       | completed  |       |                     | RFC 3261 9.2
completed, for a stranger | unsent       | completed  |       | unsent: no way      | RFC 6026 7.1
completed, for a stranger | connection ended | completed |    |                     | RFC 3261 17.2.1
completed, for a stranger | udp: 500 ms  | completed  | 404   |                     | RFC 3261 17.2.1, Timer G
completed  | udp: 5 s                    | completed  | 3 404 |                     | RFC 3261 17.2.1, Timer G
completed  | udp: 32 s                   | terminated | 10 404 | over               | RFC 3261 17.2.1, Timer H
for a stranger | udp: 5 s                | completed  | 404   |                     | ours, one repeat
for a stranger | udp: 32 s               | terminated | 404   | over                | ours, one repeat
completed, for a stranger | tcp: 500 ms, 5 s | completed |   |                     | RFC 3261 17.2.1, no Timer G
completed, for a stranger | tcp: 32 s    | terminated |       | over                | RFC 3261 17.2.1, Timer H
confirmed  | udp: receive INVITE, receive ACK, CANCEL, connection ended, 500 ms, respond 100, respond 180, respond 200, respond 302, respond 486, respond 603 | confirmed | | | RFC 3261 17.2.1
confirmed  | udp: unsent                 | confirmed  |       | unsent: no way      | RFC 6026 7.1, a late error
confirmed  | udp: 5 s, 32 s, close       | terminated |       |                     | RFC 3261 17.2.1, Timer I
terminated | receive INVITE              | terminated |       | INVITE passed on    | RFC 3261 17.2.3
terminated | receive ACK                 | terminated |       | ACK passed on       | RFC 3261 17.2.3
terminated | CANCEL, unsent, connection ended, close, 500 ms, 5 s, 32 s, respond 100, respond 180, respond 200, respond 302, respond 486, respond 603 | terminated | | | RFC 3261 17.2.1`,
})

tryTable({
  title: 'non-INVITE server transaction',
  states: ['trying', 'proceeding', 'awaiting the answer', 'completed', 'terminated'],
  unreliableOnly: ['completed'],
  inputs: [...SERVER_INPUTS, 'receive OPTIONS', 'await the answer'],
  reach(state, protocol) {
    const bench = new Bench(protocol)
    const request = incoming('OPTIONS')
    assert.equal(bench.layer.receiveRequest(request), false)
    const init = { toTag: 'ours', known: true, user: bench.serverUser }
    const server = bench.layer.open(request, bench.flow, init) as NonInviteServer
    if (state === 'proceeding') server.respond(183, responseOf(183))
    if (state === 'awaiting the answer') server.awaitAnswer()
    if (state === 'completed') server.respond(404, responseOf(404))
    if (state === 'terminated') server.close()
    return {
      bench,
      get state() {
        return server.state
      },
      label,
      input: (name) => (name === 'await the answer' ? server.awaitAnswer() : serverInput(bench, server, name)),
    }
  },
  rows: `
trying     | receive OPTIONS             | trying     |       |                     | RFC 3261 17.2.2
proceeding | receive OPTIONS             | proceeding | 183   |                     | RFC 3261 17.2.2
awaiting the answer | receive OPTIONS    | trying     |       |                     | RFC 3261 17.2.2
trying, proceeding, awaiting the answer | respond 100      | proceeding | 100 |      | RFC 3261 17.2.2
trying, proceeding, awaiting the answer | respond 180      | proceeding | 180 |      | RFC 3261 17.2.2
trying, proceeding, awaiting the answer | udp: respond 200 | completed  | 200 | over | RFC 3261 17.2.2
trying, proceeding, awaiting the answer | tcp: respond 200 | terminated | 200 | over | RFC 3261 17.2.2, Timer J is zero
trying, proceeding, awaiting the answer | udp: respond 302 | completed  | 302 | over | RFC 3261 17.2.2
trying, proceeding, awaiting the answer | tcp: respond 302 | terminated | 302 | over | RFC 3261 17.2.2, Timer J is zero
trying, proceeding, awaiting the answer | udp: respond 486 | completed  | 486 | over | RFC 3261 17.2.2
trying, proceeding, awaiting the answer | tcp: respond 486 | terminated | 486 | over | RFC 3261 17.2.2, Timer J is zero
trying, proceeding, awaiting the answer | udp: respond 603 | completed  | 603 | over | RFC 3261 17.2.2
trying, proceeding, awaiting the answer | tcp: respond 603 | terminated | 603 | over | RFC 3261 17.2.2, Timer J is zero
trying, awaiting the answer | unsent     | trying     |       |                     | nothing was sent
proceeding | unsent                      | proceeding |       | unsent: no way      | RFC 3261 17.2.4
trying, awaiting the answer | connection ended, await the answer, 500 ms, 5 s | trying | | | RFC 3261 17.2.2
proceeding | connection ended, await the answer, 500 ms, 5 s, 32 s | proceeding | | |  RFC 3261 17.2.2, the user decides
trying     | 32 s                        | trying     |       |                     | RFC 3261 17.2.2, the user decides
awaiting the answer | 32 s               | terminated |       | over                | RFC 4320 4.2
trying, proceeding, awaiting the answer | close | terminated | | over               | ours
completed  | udp: receive OPTIONS        | completed  | 404   |                     | RFC 3261 17.2.2
completed  | udp: unsent                 | completed  |       | unsent: no way      | RFC 3261 17.2.4
completed  | udp: respond 100, respond 180, respond 200, respond 302, respond 486, respond 603, connection ended, await the answer, 500 ms, 5 s | completed | | | RFC 3261 17.2.2
completed  | udp: 32 s, close            | terminated |       |                     | RFC 3261 17.2.2, Timer J
terminated | receive OPTIONS             | terminated |       | OPTIONS passed on   | RFC 3261 17.2.3
terminated | unsent, connection ended, close, await the answer, 500 ms, 5 s, 32 s, respond 100, respond 180, respond 200, respond 302, respond 486, respond 603 | terminated | | | RFC 3261 17.2.2`,
})
