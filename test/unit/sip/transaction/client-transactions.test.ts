import assert from 'node:assert/strict'
import { ClientTransactions } from '../../../../src/sip/transaction/client-transactions.js'
import { FakeClock } from '../../../support/fake-clock.js'

const destination = { protocol: 'udp', host: '192.0.2.1', port: 5060 } as const
const branch = 'z9hG4bK1'

describe('client transactions on UDP', () => {
  let clock: FakeClock
  let transactions: ClientTransactions
  let resentAtMs: number[]
  let resent: string[]

  beforeEach(() => {
    clock = new FakeClock()
    resentAtMs = []
    resent = []
    transactions = new ClientTransactions({
      clock,
      resend: (text, to) => {
        assert.deepEqual(to, destination)
        resent.push(text)
        resentAtMs.push(clock.now())
      },
    })
  })

  const send = (method: string, text = method) => transactions.sent({ text, branch, method, destination })
  const receive = (method: string, status: number) => transactions.receive({ branch, method, status })

  it('Timer A: INVITE goes out again after T1, doubling, for 64*T1', () => {
    send('INVITE')
    clock.advance(100_000)
    assert.deepEqual(resentAtMs, [500, 1500, 3500, 7500, 15_500, 31_500])
    assert.deepEqual([transactions.size, clock.pending], [0, 0])
  })

  it('Timer A stops with the first provisional response, and the transaction stays', () => {
    send('INVITE')
    clock.advance(600)
    assert.equal(receive('INVITE', 180), false)
    clock.advance(300_000)
    assert.deepEqual(resentAtMs, [500])
    assert.deepEqual(transactions.destinationOf(branch), destination)
    assert.equal(clock.pending, 0)
  })

  it('Timer E: other requests go out again after T1, doubling up to T2, for 64*T1', () => {
    send('REGISTER')
    clock.advance(100_000)
    assert.deepEqual(resentAtMs, [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    assert.deepEqual([transactions.size, clock.pending], [0, 0])
  })

  it('Timer E stays at T2 after a provisional response', () => {
    send('REGISTER')
    receive('REGISTER', 100)
    clock.advance(13_000)
    assert.deepEqual(resentAtMs, [500, 4500, 8500, 12_500])
  })

  it('Timer K: answers to other requests are absorbed for T4', () => {
    send('REGISTER')
    assert.equal(receive('REGISTER', 200), false)
    clock.advance(4_999)
    assert.equal(receive('REGISTER', 200), true)
    clock.advance(1)
    assert.equal(receive('REGISTER', 200), false)
    assert.deepEqual([resent, transactions.size], [[], 0])
  })

  it('Timer D: repeated failures of INVITE are acknowledged again, from the same bytes, for 32 s', () => {
    send('INVITE')
    assert.equal(receive('INVITE', 486), false)
    send('ACK', 'the ACK')
    clock.advance(31_999)
    assert.equal(receive('INVITE', 486), true)
    assert.deepEqual(resent, ['the ACK'])
    clock.advance(1)
    assert.equal(receive('INVITE', 486), false)
    assert.deepEqual([transactions.size, clock.pending], [0, 0])
  })

  it('takes 300 for a failure and 299 for a success', () => {
    for (const [status, absorbed] of [
      [300, true],
      [299, false],
    ] as const) {
      send('INVITE')
      receive('INVITE', status)
      assert.equal(receive('INVITE', status), absorbed)
      transactions.close()
    }
  })

  it('leaves a 2xx to INVITE, and its repetitions, to the dialog', () => {
    send('INVITE')
    assert.equal(receive('INVITE', 200), false)
    assert.equal(receive('INVITE', 200), false)
    clock.advance(60_000)
    assert.deepEqual([resent, transactions.size, clock.pending], [[], 0, 0])
  })

  it('keeps CANCEL apart from the INVITE that it shares a branch with', () => {
    send('INVITE')
    receive('INVITE', 180)
    send('CANCEL')
    clock.advance(500)
    assert.deepEqual(resent, ['CANCEL'])
    receive('CANCEL', 200)
    assert.equal(receive('INVITE', 487), false)
  })

  it('knows nothing of responses to requests that it did not send', () => {
    assert.equal(receive('INVITE', 486), false)
    assert.equal(transactions.destinationOf(branch), undefined)
  })

  it('forgets what the user gives up, and everything when it closes', () => {
    send('INVITE')
    transactions.forget(branch, 'INVITE')
    send('REGISTER')
    transactions.close()
    clock.advance(60_000)
    assert.deepEqual([resent, transactions.size, clock.pending], [[], 0, 0])
  })
})

describe('client transactions on a reliable transport', () => {
  const overTcp = { ...destination, protocol: 'tcp' } as const
  let clock: FakeClock
  let resent: string[]
  let transactions: ClientTransactions

  beforeEach(() => {
    clock = new FakeClock()
    resent = []
    transactions = new ClientTransactions({ clock, resend: (text) => resent.push(text) })
  })

  for (const method of ['INVITE', 'REGISTER']) {
    it(`${method} is sent once, and forgotten after 64*T1`, () => {
      transactions.sent({ text: method, branch, method, destination: overTcp })
      clock.advance(31_999)
      assert.equal(transactions.size, 1)
      clock.advance(1)
      assert.deepEqual([resent, transactions.size, clock.pending], [[], 0, 0])
    })

    it(`Timers D and K are zero: a refused ${method} ends as soon as its ACK had its chance`, () => {
      transactions.sent({ text: method, branch, method, destination: overTcp })
      transactions.receive({ branch, method, status: 486 })
      if (method === 'INVITE') assert.deepEqual(transactions.destinationOf(branch), overTcp)
      clock.advance(0)
      assert.deepEqual([resent, transactions.size, clock.pending], [[], 0, 0])
    })
  }

  it('tells of a peer that said nothing for 64*T1, unless it has answered', () => {
    const silent: unknown[] = []
    const told = new ClientTransactions({ clock, resend() {}, silent: (to) => silent.push(to) })
    told.sent({ text: 'M', branch, method: 'MESSAGE', destination: overTcp })
    told.sent({ text: 'O', branch, method: 'OPTIONS', destination: overTcp })
    told.sent({ text: 'U', branch, method: 'UPDATE', destination })
    told.receive({ branch, method: 'OPTIONS', status: 200 })
    clock.advance(32_000)
    assert.deepEqual(silent, [overTcp])
  })

  it('tells what a peer has left unanswered', () => {
    transactions.sent({ text: 'I', branch, method: 'INVITE', destination: overTcp })
    transactions.sent({ text: 'M', branch: 'z9hG4bK2', method: 'MESSAGE', destination: overTcp })
    transactions.sent({ text: 'O', branch: 'z9hG4bK3', method: 'OPTIONS', destination: { ...overTcp, port: 5061 } })
    transactions.receive({ branch, method: 'INVITE', status: 180 })
    assert.deepEqual(transactions.unansweredBy(overTcp), [{ branch: 'z9hG4bK2', method: 'MESSAGE' }])
    transactions.close()
  })
})
