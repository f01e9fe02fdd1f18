import assert from 'node:assert/strict'
import { decode, encode, type Packet, TRUNCATED_RESPONSE } from 'dns-packet'
import { type Deferred, deferred } from '../../../../src/base/deferred.js'
import { DnsClient, type Inquire } from '../../../../src/sip/dns/dns-client.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { turn as settled } from '../../../support/memory-wire.js'

interface Asked {
  how: string
  host: string
  question: Packet
  isClosed: boolean
  answer: (packet: Packet) => void
  fail: (code: string) => void
}

describe('questions to DNS servers', () => {
  let clock: FakeClock
  let asked: Asked[]
  let ids: number
  let servers: string[]
  let client: DnsClient

  beforeEach(() => {
    clock = new FakeClock()
    asked = []
    ids = 0
    servers = ['192.0.2.53', '192.0.2.54']
    client = new DnsClient({
      clock,
      inquire,
      servers: () => servers.map((host) => ({ host, port: 53 })),
      randomId: () => ++ids,
    })
  })

  const inquire: Inquire = (how, server, question, read) => {
    type Found = Exclude<ReturnType<typeof read>, undefined>
    const reply: Deferred<Found> = deferred()
    const one: Asked = {
      how,
      host: server.host,
      question: decode(question),
      isClosed: false,
      answer: (packet) => {
        const { id, questions } = one.question
        const found = read(encode({ type: 'response', id: id ?? 0, questions: questions ?? [], ...packet }))
        if (found !== undefined) reply.resolve(found as Found)
      },
      fail: (code) => reply.reject(Object.assign(new Error(code), { code })),
    }
    asked.push(one)
    return {
      reply: reply.promise,
      close: () => {
        one.isClosed = true
      },
    }
  }
  const ANSWER: Packet = { answers: [{ type: 'A', name: 'example.com', ttl: 60, data: '192.0.2.1' }] }
  const query = () => {
    const result = client.query('example.com', 'A').then(
      ({ data }) => data.join(),
      (error: Error) => error.message,
    )
    return result
  }
  const last = (): Asked => {
    const one = asked.at(-1)
    assert.ok(one)
    return one
  }
  const hosts = () => asked.map(({ host }) => host.slice(-2)).join(' ')
  /** Time goes by in small steps, so that each question can follow the one before. */
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.advance(500)
      await settled()
    }
  }

  it('go to the next server after 1 s; the server that answered is asked first from then on', async () => {
    const result = query()
    await pass(1_000)
    assert.equal(hosts(), '53 54')
    last().answer(ANSWER)
    assert.equal(await result, '192.0.2.1')
    assert.ok(asked.every(({ isClosed }) => isClosed))
    assert.equal(clock.pending, 0)
    query()
    assert.equal(hosts(), '53 54 54')
  })

  it('go round all servers with longer waits, and end after 6 s', async () => {
    const result = query()
    await pass(5_500)
    assert.equal(hosts(), '53 54 53 54')
    assert.equal(new Set(asked.map(({ question }) => question.id)).size, 4)
    await pass(500)
    assert.match(await result, /DNS server 192.0.2.54 does not answer/)
    assert.ok(asked.every(({ isClosed }) => isClosed))
    assert.equal(clock.pending, 0)
  })

  it('go to one server three times, after 1 and 3 s', async () => {
    servers = ['192.0.2.53']
    const result = query()
    await pass(2_500)
    assert.equal(hosts(), '53 53')
    await pass(500)
    assert.equal(hosts(), '53 53 53')
    await pass(3_000)
    assert.match(await result, /does not answer/)
  })

  it('go to three servers at most', async () => {
    servers = ['192.0.2.51', '192.0.2.52', '192.0.2.53', '192.0.2.54']
    void query()
    await pass(3_000)
    assert.equal(hosts(), '51 52 53 51')
  })

  it('go to the next server at once if one refuses or is not there; once each', async () => {
    const result = query()
    last().answer({ flags: 2 })
    await settled()
    last().fail('ECONNREFUSED')
    assert.match(await result, /DNS server 192.0.2.54 reports ECONNREFUSED/)
    assert.equal(hosts(), '53 54')
  })

  it('are repeated by TCP if the answer was truncated (RFC 7766 5)', async () => {
    const result = query()
    last().answer({ flags: TRUNCATED_RESPONSE })
    await settled()
    assert.deepEqual(
      asked.map(({ how, host }) => `${how} ${host}`),
      ['udp 192.0.2.53', 'tcp 192.0.2.53'],
    )
    last().answer(ANSWER)
    assert.equal(await result, '192.0.2.1')
  })

  it('are repeated without EDNS for a server that does not know it (RFC 6891 7)', async () => {
    const result = query()
    last().answer({ flags: 1 })
    await settled()
    assert.deepEqual(
      asked.map(({ question }) => question.additionals?.length),
      [1, 0],
    )
    last().answer(ANSWER)
    assert.equal(await result, '192.0.2.1')
  })

  it('do not end by an answer with another id', async () => {
    const result = query()
    last().answer({ ...ANSWER, id: 99 })
    await settled()
    assert.ok(!last().isClosed)
    last().answer(ANSWER)
    assert.equal(await result, '192.0.2.1')
  })

  it('are refused without a server, or for a name that is not valid', async () => {
    servers = []
    assert.match(await query(), /no DNS server is known/)
    await assert.rejects(client.query('a..b', 'A'), { code: 'TRANSPORT', message: /"a..b" is not a valid host name/ })
  })
})
