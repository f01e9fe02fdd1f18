import assert from 'node:assert/strict'
import { type Answer, decode, encode, type Packet } from 'dns-packet'
import fc from 'fast-check'
import { encodeQuestion, isDomainName, readReply } from '../../../../src/sip/dns/dns-message.js'

const QUESTION = { name: 'sip.example.com', type: 'A' } as const
const RESPONSE: Packet = { type: 'response', id: 7, questions: [QUESTION] }

const read = (packet: Packet) => readReply(encode(packet), 7, QUESTION)
const a = (name: string, data: string, ttl: number): Answer => ({ type: 'A', name, data, ttl })

describe('messages of DNS', () => {
  it('ask for one name, with recursion, and take 1,232 octets by UDP (RFC 6891)', () => {
    const packet = decode(encodeQuestion(7, QUESTION, true))
    assert.deepEqual([packet.id, packet.flag_qr, packet.flag_rd], [7, false, true])
    assert.deepEqual(
      packet.questions?.map(({ name, type }) => `${type} ${name}`),
      ['A sip.example.com'],
    )
    const [opt] = packet.additionals ?? []
    assert.equal(opt?.type === 'OPT' && opt.udpPayloadSize, 1_232)
    assert.deepEqual(decode(encodeQuestion(7, QUESTION, false)).additionals, [])
  })

  it('hold the records of the name, in any case, with the least of their times', () => {
    const answers = [
      a('SIP.example.com', '192.0.2.1', 60),
      a('sip.example.com', '192.0.2.2', 30),
      a('www.x.org', '192.0.2.3', 1),
    ]
    assert.deepEqual(read({ ...RESPONSE, answers }), {
      kind: 'answer',
      data: ['192.0.2.1', '192.0.2.2'],
      ttlSec: 30,
      exists: true,
    })
  })

  it('follow aliases, whose times count too; a circle ends', () => {
    const alias = (name: string, data: string, ttl: number): Answer => ({ type: 'CNAME', name, data, ttl })
    const answers = [
      alias('sip.example.com', 'Two.example.com', 20),
      alias('two.example.com', 'three.example.com', 90),
      a('three.example.com', '192.0.2.1', 60),
    ]
    assert.deepEqual(read({ ...RESPONSE, answers }), {
      kind: 'answer',
      data: ['192.0.2.1'],
      ttlSec: 20,
      exists: true,
    })
    const circle = [alias('sip.example.com', 'b.example.com', 9), alias('b.example.com', 'sip.example.com', 9)]
    assert.equal(read({ ...RESPONSE, answers: circle })?.kind, 'answer')
  })

  it('without records say how long that is valid, and whether the name exists (RFC 2308)', () => {
    const soa = (ttl: number, minimum: number): Answer => ({
      type: 'SOA',
      name: 'example.com',
      ttl,
      data: { mname: 'ns.example.com', rname: 'admin.example.com', minimum },
    })
    const none = { kind: 'answer', data: [] }
    assert.deepEqual(read({ ...RESPONSE, authorities: [soa(900, 300)] }), { ...none, ttlSec: 300, exists: true })
    assert.deepEqual(read({ ...RESPONSE, flags: 3, authorities: [soa(60, 300)] }), {
      ...none,
      ttlSec: 60,
      exists: false,
    })
    assert.deepEqual(read(RESPONSE), { ...none, ttlSec: 0, exists: true })
  })

  it('hold services', () => {
    const question = { name: '_sip._udp.example.com', type: 'SRV' } as const
    const data = { priority: 10, weight: 60, port: 5070, target: 'A.example.com' }
    const none = { ...data, target: '.' }
    const answers: Answer[] = [data, none].map((each) => ({ type: 'SRV', name: question.name, ttl: 60, data: each }))
    const reply = readReply(encode({ type: 'response', id: 7, questions: [question], answers }), 7, question)
    assert.deepEqual(reply?.kind === 'answer' && reply.data, [{ ...data, target: 'a.example.com' }, none])
  })

  it('that fail say how', () => {
    assert.deepEqual(read({ ...RESPONSE, flags: 2 }), { kind: 'refused', code: 'SERVFAIL' })
    assert.deepEqual(read({ ...RESPONSE, flags: 5 }), { kind: 'refused', code: 'REFUSED' })
    assert.deepEqual(read({ ...RESPONSE, flags: 512 }), { kind: 'truncated' })
    assert.deepEqual(read({ type: 'response', id: 7, flags: 1 }), { kind: 'refused', code: 'FORMERR' })
  })

  for (const [what, packet] of [
    ['another id', { ...RESPONSE, id: 8 }],
    ['another name', { ...RESPONSE, questions: [{ name: 'evil.example.com', type: 'A' }] }],
    ['another type', { ...RESPONSE, questions: [{ name: 'sip.example.com', type: 'AAAA' }] }],
    ['no question', { ...RESPONSE, questions: [] }],
    ['a question instead of an answer', { ...RESPONSE, type: 'query' }],
  ] satisfies [string, Packet][]) {
    it(`with ${what} are not the answer (RFC 5452)`, () => assert.equal(read(packet), undefined))
  }

  it('of any octets are read without an error', () => {
    const whole = encode({ ...RESPONSE, answers: [a('sip.example.com', '192.0.2.1', 60)] })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(80), fc.nat(80), (octets, at, length) => {
        readReply(Buffer.from(octets), 7, QUESTION)
        const damaged = Buffer.from(whole)
        damaged.set(octets.subarray(0, Math.max(0, damaged.length - at)), Math.min(at, damaged.length))
        readReply(damaged.subarray(0, length), 7, QUESTION)
        readReply(damaged, 7, QUESTION)
      }),
    )
  })

  it('are asked for valid names only (RFC 1035 2.3.4)', () => {
    for (const name of ['a', 'sip.example.com', '_sip._udp.xn--bcher-kva.example', `${'a'.repeat(63)}.example`]) {
      assert.ok(isDomainName(name), name)
    }
    const long = `${'a.'.repeat(126)}aa`
    for (const name of ['', '.', 'a..b', `${'a'.repeat(64)}.example`, 'bücher.example', 'a b', long]) {
      assert.ok(!isDomainName(name), name)
    }
  })
})
