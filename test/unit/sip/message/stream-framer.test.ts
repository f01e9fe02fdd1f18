import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Framed, StreamFramer } from '../../../../src/sip/message/stream-framer.js'
import { requestText, SDP } from '../../../support/sip-messages.js'

const push = (framer: StreamFramer, text: string | Buffer): Framed[] => framer.push(Buffer.from(text as string))
const texts = (found: Framed[]): string[] =>
  found.flatMap((item) => (item.kind === 'message' ? [item.bytes.toString()] : []))
const kinds = (found: Framed[]): string[] => found.map(({ kind }) => kind)

const INVITE = requestText({ body: SDP })
const OPTIONS = requestText({ method: 'OPTIONS' })
/** Octets and characters differ in its body. */
const MESSAGE = requestText({ method: 'MESSAGE', body: 'Grüße ☎', headers: ['X: Ä'] })

describe('stream framer', () => {
  it('finds the same messages wherever the stream is cut', () => {
    const stream = Buffer.from(`\r\n${INVITE}${MESSAGE}\r\n\r\n${OPTIONS}`)
    for (let cut = 0; cut <= stream.length; cut++) {
      const framer = new StreamFramer()
      const found = [...framer.push(stream.subarray(0, cut)), ...framer.push(stream.subarray(cut))]
      assert.deepEqual(texts(found), [INVITE, MESSAGE, OPTIONS])
      assert.equal(framer.pending, 0)
    }
  })

  it('finds them octet by octet, and in chunks of any size', () => {
    const messages = [INVITE, MESSAGE, OPTIONS]
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...messages), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
        (wanted, sizes) => {
          const stream = Buffer.from(wanted.join(''))
          const framer = new StreamFramer()
          const found: Framed[] = []
          for (let at = 0, n = 0; at < stream.length; n++) {
            const size = sizes[n % sizes.length] ?? 1
            found.push(...framer.push(stream.subarray(at, at + size)))
            at += size
          }
          assert.deepEqual(texts(found), wanted)
        },
      ),
    )
    const framer = new StreamFramer()
    const found = [...Buffer.from(messages.join(''))].flatMap((octet) => framer.push(Buffer.from([octet])))
    assert.deepEqual(texts(found), messages)
  })

  it('tells pings and pongs (RFC 5626 3.5.1) however they are cut', () => {
    const whole = kinds(push(new StreamFramer(), '\r\n\r\n'))
    const framer = new StreamFramer()
    const cut = [...'\r\n\r\n'].flatMap((octet) => kinds(push(framer, octet)))
    assert.deepEqual(
      [whole, cut],
      [
        ['pong', 'ping'],
        ['pong', 'ping'],
      ],
    )
    assert.deepEqual(kinds(push(framer, '\r\n\r\n\r\n')), ['pong', 'ping', 'pong'])
  })

  const keepAlives: [name: string, octets: string][] = [
    ['CR LF NUL', '\r\n\0'],
    ['a NUL', '\0'],
    ['NULs', '\0\0\0\0'],
    ['a line feed', '\n'],
    ['a carriage return', '\r'],
    ['blanks', ' \t'],
    ['CR LF CR LF NUL', '\r\n\r\n\0'],
  ]
  for (const [name, octets] of keepAlives) {
    it(`loses nothing after a keep-alive of ${name}, and keeps none of it`, () => {
      const stream = Buffer.from(`${octets}${INVITE}${octets}${octets}${MESSAGE}${octets}`)
      for (let cut = 0; cut <= stream.length; cut++) {
        const framer = new StreamFramer()
        const found = [...framer.push(stream.subarray(0, cut)), ...framer.push(stream.subarray(cut))]
        assert.deepEqual(texts(found), [INVITE, MESSAGE])
        assert.equal(framer.pending, 0)
      }
    })
  }

  it('takes only what is contiguous for a ping', () => {
    assert.deepEqual(kinds(push(new StreamFramer(), '\r\n\0\r\n\0')), ['pong', 'pong'])
  })

  it('drops 64 KB of keep-alives in less time than a watcher notices', () => {
    const startedMs = performance.now()
    const framer = new StreamFramer()
    framer.push(Buffer.from('\r\n\0'.repeat(21_000)))
    assert.equal(framer.pending, 0)
    assert.ok(performance.now() - startedMs < 1_000)
  })

  const lengths: [name: string, line: string, reason: string][] = [
    ['no Content-Length', 'X: y', 'Missing Content-Length'],
    ['a negative one', 'Content-Length: -1', 'Wrong Content-Length'],
    ['a signed one', 'Content-Length: +1', 'Wrong Content-Length'],
    ['a hexadecimal one', 'Content-Length: 0x10', 'Wrong Content-Length'],
    ['an empty one', 'Content-Length:', 'Wrong Content-Length'],
    ['words', 'l: none', 'Wrong Content-Length'],
    ['two of them', 'Content-Length: 0\r\nl: 0', 'More than one content-length'],
    ['a list', 'Content-Length: 0, 0', 'Wrong Content-Length'],
    ['one with a vertical tab', 'Content-Length: 0\u000b', 'Wrong Content-Length'],
    ['a stray carriage return', 'X: y\rContent-Length: 9\r\nl: 0', 'Stray line break in the head'],
    ['a stray line feed', 'X: y\nContent-Length: 9\r\nl: 0', 'Stray line break in the head'],
    ['a number without end', `Content-Length: ${'9'.repeat(400)}`, 'Wrong Content-Length'],
  ]
  for (const [name, line, reason] of lengths) {
    it(`reads nothing after a head with ${name}: the hidden request stays hidden`, () => {
      const head = `OPTIONS sip:a@b SIP/2.0\r\nCall-ID: x\r\n${line}\r\n\r\n`
      const found = push(new StreamFramer(), head + OPTIONS)
      assert.deepEqual(kinds(found), ['broken'])
      const [broken] = found
      assert.ok(broken?.kind === 'broken')
      assert.deepEqual([broken.status, broken.reason, broken.head.toString()], [400, reason, head])
    })
  }

  for (const line of ['content-length : 3', 'L:\t3', 'Content-Length:\r\n 3', 'CONTENT-LENGTH:  3  ']) {
    it(`knows ${JSON.stringify(line)}`, () => {
      const text = `OPTIONS sip:a@b SIP/2.0\r\n${line}\r\n\r\nabc`
      assert.deepEqual(texts(push(new StreamFramer(), text + text)), [text, text])
    })
  }

  it('does not take the end of a folded line, or of a value, for a Content-Length', () => {
    const text = 'OPTIONS sip:a@b SIP/2.0\r\nX: y\r\n Content-Length: 99\r\nY: Content-Length: 9\r\nl: 1\r\n\r\nz'
    assert.deepEqual(texts(push(new StreamFramer(), text)), [text])
  })

  it('ends where a message, or a head without end, is larger than 64 KB', () => {
    const declared = push(new StreamFramer(), 'OPTIONS sip:a@b SIP/2.0\r\nl: 65536\r\n\r\n')
    assert.ok(declared[0]?.kind === 'broken' && declared[0].status === 413)
    const framer = new StreamFramer()
    const found: Framed[] = []
    for (let n = 0; n < 100; n++) found.push(...push(framer, 'x'.repeat(1_000)))
    assert.deepEqual(kinds(found), ['broken'])
    assert.ok(framer.pending <= 65_536)
  })

  it('takes a message of 64 KB octet by octet in less time than anybody notices', () => {
    const body = 'x'.repeat(64_000)
    const bytes = Buffer.from(`MESSAGE sip:a@b SIP/2.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    const framer = new StreamFramer()
    const startedMs = performance.now()
    const found: Framed[] = []
    for (let at = 0; at < bytes.length; at++) found.push(...framer.push(bytes.subarray(at, at + 1)))
    const tookMs = performance.now() - startedMs
    console.log(`      64 KB octet by octet: ${tookMs.toFixed(0)} ms (1 s)`)
    assert.equal(texts(found)[0]?.length, bytes.length)
    assert.ok(tookMs < 1_000)
  })

  it('never throws and never keeps more than one message, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (chunks) => {
        const framer = new StreamFramer()
        for (const chunk of chunks) framer.push(Buffer.from(chunk))
        assert.ok(framer.pending <= 65_536)
      }),
    )
  })
})
