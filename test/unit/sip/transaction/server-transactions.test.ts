import assert from 'node:assert/strict'
import { ServerTransactions } from '../../../../src/sip/transaction/server-transactions.js'
import { FakeClock } from '../../../support/fake-clock.js'

const destination = { protocol: 'udp', host: '192.0.2.1', port: 5060 } as const
const key = 'z9hG4bK1 192.0.2.1 INVITE'

describe('server transactions on UDP', () => {
  let clock: FakeClock
  let transactions: ServerTransactions
  let resentAtMs: number[]
  let resent: string[]
  let ended: number

  beforeEach(() => {
    clock = new FakeClock()
    resentAtMs = []
    resent = []
    ended = 0
    transactions = new ServerTransactions({
      clock,
      resend: (text) => {
        resent.push(text)
        resentAtMs.push(clock.now())
      },
    })
  })

  const begin = (method: string) => transactions.begin(key, { method, source: destination }, () => ended++)
  const answer = (status: number) => transactions.answered(key, status, String(status), destination)

  it('takes the first request and absorbs its duplicates', () => {
    assert.equal(transactions.receive(key, 'OPTIONS'), false)
    begin('OPTIONS')
    assert.equal(transactions.receive(key, 'OPTIONS'), true)
    assert.deepEqual(resent, [])
  })

  it('answers duplicates with the last answer', () => {
    begin('INVITE')
    answer(100)
    transactions.receive(key, 'INVITE')
    answer(180)
    transactions.receive(key, 'INVITE')
    assert.deepEqual(resent, ['100', '180'])
    assert.equal(clock.pending, 0)
  })

  it('Timer J: duplicates of other requests are answered from bytes for 64*T1', () => {
    begin('MESSAGE')
    answer(200)
    clock.advance(31_999)
    assert.equal(transactions.receive(key, 'MESSAGE'), true)
    clock.advance(1)
    assert.equal(transactions.receive(key, 'MESSAGE'), false)
    assert.deepEqual([resent, ended, transactions.size, clock.pending], [['200'], 1, 0, 0])
  })

  it('Timers G and H: a failure of INVITE is repeated after T1, doubling up to T2, for 64*T1', () => {
    begin('INVITE')
    answer(486)
    clock.advance(100_000)
    assert.deepEqual(resentAtMs, [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    assert.deepEqual([ended, transactions.size, clock.pending], [1, 0, 0])
  })

  it('Timer I: the first ACK stops the repetition and goes on, further ones are absorbed for T4', () => {
    begin('INVITE')
    answer(486)
    clock.advance(600)
    assert.equal(transactions.receive(key, 'ACK'), false)
    clock.advance(4_999)
    assert.equal(transactions.receive(key, 'ACK'), true)
    assert.equal(transactions.receive(key, 'INVITE'), true)
    clock.advance(1)
    assert.deepEqual([resentAtMs, transactions.size, clock.pending], [[500], 0, 0])
  })

  it('Timer L: a repeated INVITE after 2xx is absorbed for 64*T1, its ACK is not', () => {
    begin('INVITE')
    answer(200)
    answer(200) // core repeats it
    clock.advance(31_999)
    assert.equal(transactions.receive(key, 'INVITE'), true)
    assert.equal(transactions.receive(key, 'ACK'), false)
    assert.deepEqual(resent, [])
    clock.advance(1)
    assert.deepEqual([transactions.size, clock.pending], [0, 0])
  })

  it('takes 300 for a failure, which is repeated', () => {
    begin('INVITE')
    answer(300)
    clock.advance(500)
    assert.deepEqual(resent, ['300'])
  })

  it('says whether anything has been answered', () => {
    assert.equal(transactions.isOpen(key), false)
    begin('INVITE')
    assert.equal(transactions.isOpen(key), true)
    answer(100)
    assert.equal(transactions.isOpen(key), false)
  })

  it('keeps nothing of answers to requests that it does not know', () => {
    answer(404)
    assert.equal(transactions.size, 0)
  })

  it('forgets everything when it closes', () => {
    begin('INVITE')
    answer(603)
    transactions.close()
    clock.advance(60_000)
    assert.deepEqual([resent, ended, transactions.size, clock.pending], [[], 1, 0, 0])
  })
})

describe('server transactions on a reliable transport', () => {
  const source = { ...destination, protocol: 'tcp' } as const

  const start = (method: string) => {
    const clock = new FakeClock()
    const resent: string[] = []
    const transactions = new ServerTransactions({ clock, resend: (text) => resent.push(text) })
    transactions.begin(key, { method, source })
    return { clock, resent, transactions }
  }

  it('Timer J is zero', () => {
    const { clock, transactions } = start('OPTIONS')
    assert.deepEqual(transactions.sourceOf(key), source)
    transactions.answered(key, 200, '200', source)
    clock.advance(0)
    assert.deepEqual([transactions.size, clock.pending], [0, 0])
  })

  it('Timer G is never armed, Timer H ends the wait for the ACK', () => {
    const { clock, resent, transactions } = start('INVITE')
    transactions.answered(key, 486, '486', source)
    clock.advance(31_999)
    assert.deepEqual([resent, transactions.size], [[], 1])
    clock.advance(1)
    assert.deepEqual([resent, transactions.size, clock.pending], [[], 0, 0])
  })

  it('Timer I is zero', () => {
    const { clock, resent, transactions } = start('INVITE')
    transactions.answered(key, 486, '486', source)
    assert.equal(transactions.receive(key, 'ACK'), false)
    clock.advance(0)
    assert.deepEqual([resent, transactions.size, clock.pending], [[], 0, 0])
  })
})
