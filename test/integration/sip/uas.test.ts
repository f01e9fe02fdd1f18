import assert from 'node:assert/strict'
import { type Logger, silentLogger } from '../../../src/base/logger.js'
import { LIMITS } from '../../../src/sip/admission/source-limits.js'
import type { AccountSources, SipRequest } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { ANSWER, Party } from '../../support/sip-parties.js'
import { called } from '../../support/wait.js'

/** The peer is a stranger to an account that says this. */
const STRANGERS: AccountSources = { known: [], anyone: false, strangers: 'silence' }
const ANYONE: AccountSources = { ...STRANGERS, anyone: true }

type Parts = NonNullable<Parameters<typeof requestText>[0]>

describe('UAS against a peer that says what the test wants', () => {
  let peer: RawPeer
  let bob: Party
  let clock: FakeClock
  let branches = 0

  beforeEach(async () => {
    clock = new FakeClock()
    peer = await RawPeer.open()
    bob = await Party.open('bob', { clock })
  })

  afterEach(() => Promise.all([peer.close(), bob.close()]))

  const port = () => bob.endpoint.local.port
  const newVia = () => peer.via(`t${++branches}`)

  /** A request to bob that is right but for what the test changes. */
  const text = (parts: Parts = {}): string => {
    const whole = requestText({
      uri: bob.address,
      via: newVia(),
      callId: `call${branches}@test`,
      ...(parts.method === undefined || parts.method === 'INVITE' ? { body: SDP } : {}),
      ...parts,
    })
    return whole.replace('<sip:alice@192.0.2.1:5060>', `<${peer.uri}>`)
  }
  const ask = (parts: Parts) => peer.ask(text(parts), port())

  describe('answers by RFC 3261 8.2', () => {
    const cases: [why: string, parts: Parts, status: number, header?: [string, RegExp]][] = [
      ['OPTIONS', { method: 'OPTIONS' }, 200, ['allow', /^INVITE, ACK/]],
      ['a user that is not there', { method: 'OPTIONS', uri: 'sip:nobody@example.com' }, 404],
      ['a gateway that pings the host', { method: 'OPTIONS', uri: 'sip:example.com' }, 200, ['accept', /sdp/]],
      ['a call to no user', { method: 'INVITE', uri: 'sip:example.com' }, 404],
      ['a method that is not ours', { method: 'REGISTER' }, 405, ['allow', /INVITE/]],
      ['a method that nobody knows', { method: '__proto__' }, 501, ['allow', /INVITE/]],
      ['an unknown scheme', { method: 'OPTIONS', uri: 'nobodyKnowsThisScheme:totallyopaquecontent' }, 416],
      ['sips', { uri: 'sips:bob@example.com' }, 416],
      ['a required extension', { headers: ['Require: a, b'] }, 420, ['unsupported', /^a, b$/]],
      ['another version', { version: '3.0' }, 505],
      ['a wrong Content-Length', { contentLength: '9999' }, 400],
      ['BYE outside of a dialog', { method: 'BYE' }, 481],
      ['BYE in a dialog that is not there', { method: 'BYE', to: '<sip:bob@x>;tag=1' }, 481],
      ['CANCEL of nothing', { method: 'CANCEL' }, 481],
      ['MESSAGE without a handler', { method: 'MESSAGE' }, 405],
      ['Max-Forwards 0, which concerns those who forward', { method: 'OPTIONS', headers: [] }, 200],
      ['two Contacts in INVITE', { headers: ['Contact: <sip:x@y>'] }, 400],
    ]
    for (const [why, parts, status, header] of cases) {
      it(`${status}: ${why}`, async () => {
        const whole = text(parts)
        const response = await peer.ask(why.startsWith('Max') ? whole.replace(': 70', ': 0') : whole, port())
        assert.equal(response.statusCode, status)
        if (header) assert.match(response.getHeader(header[0]) ?? '', header[1])
      })
    }

    it('415: a body that is not an offer', async () => {
      const response = await peer.ask(text().replace('application/sdp', 'application/unknown'), port())
      assert.deepEqual([response.statusCode, response.getHeader('accept')], [415, 'application/sdp'])
    })

    it('415: a body that is encoded, in whichever line of Content-Encoding', async () => {
      const response = await ask({ headers: ['Content-Encoding: identity', 'Content-Encoding: identity, gzip'] })
      assert.deepEqual([response.statusCode, response.getHeader('accept-encoding')], [415, 'identity'])
      assert.equal((await ask({ headers: ['Content-Encoding: identity, identity'] })).statusCode, 100)
    })

    it('406: a caller who takes no session description', async () => {
      assert.equal((await ask({ headers: ['Accept: text/nobodyKnowsThis'] })).statusCode, 406)
      assert.equal((await ask({ headers: ['Accept: text/x;y=",application/sdp,"'] })).statusCode, 406)
      assert.equal((await ask({ headers: ['Accept: text/plain, application/sdp;level=1'] })).statusCode, 100)
      assert.equal((await ask({ headers: ['Accept: text/plain', 'Accept: application/sdp'] })).statusCode, 100)
    })

    it('400: INVITE without Contact', async () => {
      assert.equal((await peer.ask(text().replace(/Contact: .*\r\n/, ''), port())).statusCode, 400)
    })

    it('400: a request without Call-ID, with what there is to answer with', async () => {
      peer.send(text({ callId: '' }), port())
      assert.match(await peer.unreadable.next(), /^SIP\/2.0 400 Missing Call-ID\r\nVia: /)
    })

    for (const cseq of ['7 \t OPTIONS', '7  OPTIONS']) {
      it(`once, whatever blanks stand in ${JSON.stringify(cseq)}`, async () => {
        const request = text({ method: 'OPTIONS', cseq })
        assert.equal((await peer.ask(request, port())).statusCode, 200)
        assert.equal((await peer.ask(request, port())).statusCode, 200)
        assert.equal((await ask({ method: 'OPTIONS' })).statusCode, 200)
        assert.equal(peer.texts.length, 3)
      })
    }

    it('100 at once, with the Timestamp of the request (8.2.6.1) and no tag', async () => {
      const trying = await ask({ headers: ['Timestamp: 54.21'] })
      assert.deepEqual([trying.statusCode, trying.getHeader('timestamp'), trying.toTag], [100, '54.21', undefined])
    })

    it('the same To tag to the same request, another to another', async () => {
      const request = text({ uri: 'sip:nobody@x' })
      const tags = [
        await peer.ask(request, port()),
        await peer.ask(request, port()),
        await ask({ uri: 'sip:nobody@x' }),
      ]
      assert.equal(tags[0]?.toTag, tags[1]?.toTag)
      assert.notEqual(tags[0]?.toTag, tags[2]?.toTag)
    })

    it('a To tag, whatever looks like one in the name or the URI', async () => {
      for (const to of ['";tag=1" <sip:nobody@x>', '<sip:nobody@x;tag=1>']) {
        assert.notEqual((await ask({ uri: 'sip:nobody@x', to })).toTag, undefined)
      }
    })

    it('nothing at all to data that is not SIP, to ACK, to keep-alives', async () => {
      for (const nothing of ['\r\n\r\n', '\0', 'hello', text({ method: 'ACK' }), text({ method: 'ACK', cseq: 'x' })]) {
        peer.send(nothing, port())
      }
      assert.equal((await ask({ method: 'OPTIONS' })).statusCode, 200)
      assert.equal(peer.texts.length, 1)
    })
  })

  describe('finds the account', () => {
    it('by Contact user before AOR user, and among AORs of one user by host', async () => {
      const seen: string[] = []
      const add = (name: string, aor: string, contactUser: string) =>
        bob.endpoint.createUserAgent({
          aor,
          contactUser,
          displayName: '',
          routeSet: [],
          authenticator: { answer: () => undefined },
          handlers: {
            admit() {
              seen.push(name)
              return { admit: true }
            },
            invite() {},
          },
        })
      add('other host', 'sip:bob@other.example.com', 'bob-2')
      const contact = add('contact', 'sip:carol@example.com', 'bob')
      await ask({ method: 'OPTIONS', uri: 'sip:bob@other.example.com' })
      contact.close()
      await ask({ method: 'OPTIONS', uri: 'sip:bob@other.example.com' })
      await ask({ method: 'OPTIONS', uri: 'sip:bob-2@127.0.0.1' })
      await ask({ method: 'OPTIONS', uri: 'sip:bob@elsewhere.example.com' })
      assert.deepEqual(seen, ['contact', 'other host', 'other host'])
    })

    it('lets no two accounts have one Contact user', () => {
      const init = { aor: 'sip:x@y', displayName: '', routeSet: [], authenticator: { answer: () => undefined } }
      const handlers = { admit: () => ({ admit: true }) as const, invite() {} }
      assert.throws(() => bob.endpoint.createUserAgent({ ...init, handlers, contactUser: 'bob-contact' }), {
        code: 'BAD_CONFIG',
      })
      assert.throws(() => bob.endpoint.createUserAgent({ ...init, handlers, contactUser: 'a b' }), {
        code: 'BAD_CONFIG',
      })
      assert.throws(() => bob.endpoint.createUserAgent({ ...init, handlers, contactUser: 'c', aor: 'x' }), {
        code: 'BAD_CONFIG',
      })
    })
  })

  describe('asks for admission', () => {
    it('before anything else, with the request', async () => {
      let seen: SipRequest | undefined
      bob.admit = (request) => {
        seen = request
        return { admit: false, status: 403, reason: 'Not you' }
      }
      const response = await ask({ headers: ['Require: x'] })
      assert.deepEqual([response.statusCode, response.reasonPhrase], [403, 'Not you'])
      assert.deepEqual(
        [seen?.method, seen?.source.port, seen?.uriUser, seen?.from.displayName],
        ['INVITE', peer.port, 'bob', 'Alice'],
      )
    })

    it('and tells strangers the same about users that are there and that are not', async () => {
      bob.agent.setSources({ ...STRANGERS, strangers: '403' })
      const there = await ask({})
      const notThere = await ask({ uri: 'sip:nobody@example.com' })
      const register = await ask({ method: 'REGISTER', uri: 'sip:example.com' })
      assert.deepEqual([there.statusCode, notThere.statusCode, register.statusCode], [403, 403, 403])
    })

    it('and is silent where the account says so, until the account knows the source', async () => {
      bob.agent.setSources(STRANGERS)
      const elsewhere = await RawPeer.open('127.0.0.2')
      peer.send(text(), port())
      peer.send(text({ method: 'OPTIONS', uri: 'sip:100@1.1.1.1' }), port())
      bob.agent.setSources({ ...STRANGERS, known: ['127.0.0.2'] })
      peer.send(text({ method: 'OPTIONS' }), port())
      assert.equal((await elsewhere.ask(text({ method: 'MESSAGE' }), port())).statusCode, 405)
      bob.agent.setSources({ ...STRANGERS, known: ['127.0.0.0/31'] })
      assert.equal((await ask({ method: 'MESSAGE' })).statusCode, 405)
      assert.equal(peer.texts.length, 1)
      await elsewhere.close()
    })

    it('and what a closed account says counts no longer', async () => {
      const init = { displayName: '', routeSet: [], authenticator: { answer: () => undefined } }
      const handlers = { admit: () => ({ admit: true }) as const, invite() {} }
      const door = bob.endpoint.createUserAgent({ ...init, handlers, aor: 'sip:door@x', contactUser: 'door' })
      bob.agent.setSources({ ...STRANGERS, strangers: '403' })
      assert.equal((await ask({ method: 'OPTIONS' })).statusCode, 404)
      door.close()
      door.setSources({ ...STRANGERS, known: ['127.0.0.1'] })
      assert.equal((await ask({ method: 'OPTIONS' })).statusCode, 403)
    })
  })

  it('tells strangers nothing by what belongs to no call either', async () => {
    bob.agent.setSources(STRANGERS)
    for (const method of ['BYE', 'INVITE', 'OPTIONS', 'INFO']) {
      peer.send(text({ method, to: '<sip:bob@x>;tag=1' }), port())
    }
    peer.send(text({ method: 'CANCEL' }), port())
    peer.send(text({ method: 'CANCEL', uri: 'sip:nobody@x' }), port())
    const last = await RawPeer.open('127.0.0.2')
    bob.agent.setSources({ ...STRANGERS, known: ['127.0.0.2'] })
    await last.ask(text({ method: 'MESSAGE' }), port())
    await last.close()
    bob.agent.setSources({ ...STRANGERS, known: ['127.0.0.1'] })
    assert.equal((await ask({ method: 'MESSAGE' })).statusCode, 405)
    assert.equal(peer.texts.length, 1)
  })

  it('answers a known source whatever it asks, however often', async () => {
    bob.agent.setSources({ ...STRANGERS, known: ['127.0.0.1'] })
    const statuses = new Set<number | undefined>()
    const atOnce = 50
    for (let n = 0; n < LIMITS.requestsPerSecond + atOnce; n += atOnce) {
      for (let sent = 0; sent < atOnce; sent++) peer.send(text({ method: 'INFO', to: '<sip:bob@x>;tag=1' }), port())
      for (let left = atOnce; left > 0; left--) statuses.add((await peer.responses.next()).message.statusCode)
    }
    assert.deepEqual([...statuses], [481])
  })

  it('writes ten lines about strangers into the log, and one more every six seconds', async () => {
    const lines: string[] = []
    const log: Logger = { ...silentLogger, info: (_fields, text) => lines.push(text), child: () => log }
    const guarded = await Party.open('guarded', { clock, log, agent: { sources: { ...STRANGERS, strangers: '403' } } })
    const request = () => peer.ask(text({ method: 'OPTIONS', uri: guarded.address }), guarded.endpoint.local.port)
    const told = () => lines.filter((line) => line.includes('stranger')).length
    for (let n = 0; n < 20; n++) assert.equal((await request()).statusCode, 403)
    assert.equal(told(), 10)
    clock.advance(6_000)
    for (let n = 0; n < 5; n++) await request()
    assert.equal(told(), 11)
    await guarded.close()
  })

  it('is not there for strangers beside an account that is there for all', async () => {
    bob.agent.setSources(STRANGERS)
    bob.endpoint.createUserAgent({
      aor: 'sip:door@example.com',
      contactUser: 'door',
      displayName: '',
      routeSet: [],
      authenticator: { answer: () => undefined },
      sources: ANYONE,
      handlers: { admit: () => ({ admit: true }), invite() {} },
    })
    for (const method of ['OPTIONS', 'INVITE', 'MESSAGE']) {
      const there = await ask({ method })
      const notThere = await ask({ method, uri: 'sip:nobody@example.com' })
      assert.deepEqual([there.statusCode, notThere.statusCode], [404, 404])
    }
  })

  describe('a stranger, where anyone may call', () => {
    beforeEach(() => {
      bob.agent.setSources(ANYONE)
    })

    it('is sent a failure twice at most unless it asks again: its address may be forged', async () => {
      const request = text()
      await peer.ask(request, port())
      ;(await bob.invites.next()).reject(486)
      const heard = () => peer.texts.filter((each) => each.startsWith('SIP/2.0 486')).length
      clock.advance(20_000)
      assert.equal((await ask({ method: 'OPTIONS' })).statusCode, 486)
      while ((await peer.responses.next()).message.method !== 'OPTIONS');
      assert.equal(heard(), 2)
      peer.send(request, port())
      while ((await peer.responses.next()).message.method !== 'INVITE');
      assert.equal(heard(), 3)
    })

    it('hears 503 with Retry-After where as many calls wait as may, and is let in again when they have ended', async () => {
      await ask({ method: 'OPTIONS' })
      clock.advance(1_000) // a source that is new may not ask as fast as one that is not
      for (let n = 0; n < 400; n++) assert.equal((await ask({ callId: `wait${n}@test` })).statusCode, 100)
      const refused = await ask({ callId: 'too-many@test' })
      assert.deepEqual([refused.statusCode, refused.getHeader('retry-after')], [503, '5'])
      bob.agent.setSources({ ...ANYONE, known: ['127.0.0.1'] })
      assert.equal((await ask({ callId: 'known@test' })).statusCode, 100)
      bob.agent.setSources(ANYONE)
      ;(await bob.invites.next()).reject(480)
      assert.equal((await peer.responses.next()).message.statusCode, 480)
      const answered = await ask({ callId: 'again@test' })
      assert.equal(answered.statusCode, 100)
    })
  })

  it('answers nonsense to those only who may hear from us', async () => {
    const silent = await Party.open('silent', { clock, agent: { sources: STRANGERS } })
    const known = await RawPeer.open('127.0.0.2')
    silent.agent.setSources({ ...STRANGERS, known: ['127.0.0.2'] })
    const nonsense = () => peer.send(text({ uri: silent.address, contentLength: '-1' }), silent.endpoint.local.port)
    nonsense()
    const options = text({ method: 'OPTIONS', uri: silent.address })
    assert.equal((await known.ask(options, silent.endpoint.local.port)).statusCode, 200)
    assert.equal(peer.texts.length, 0)
    silent.agent.setSources({ ...STRANGERS, strangers: '403' })
    nonsense()
    assert.equal((await peer.responses.next()).message.statusCode, 400)
    await silent.close()
    await known.close()
  })

  describe('INVITE', () => {
    it('is told once, however often it comes, and duplicates are answered from bytes', async () => {
      const request = text()
      assert.equal((await peer.ask(request, port())).statusCode, 100)
      const invite = await bob.invites.next()
      invite.progress(180)
      const ringing = (await peer.responses.next()).text
      peer.send(request, port())
      assert.equal((await peer.responses.next()).text, ringing)
      invite.reject(486)
      const busy = (await peer.responses.next()).text
      peer.send(request, port())
      assert.equal((await peer.responses.next()).text, busy)
      assert.equal(bob.invites.waiting.length, 0)
    })

    it('gets its failure again until the ACK (Timer G)', async () => {
      const request = text()
      await peer.ask(request, port())
      ;(await bob.invites.next()).reject(603)
      const first = await peer.responses.next()
      clock.advance(500)
      assert.equal((await peer.responses.next()).text, first.text)
      const ack = request
        .replaceAll('INVITE', 'ACK')
        .replace('To: <sip:bob@example.org>', `To: ${first.message.getHeader('to')}`)
      peer.send(ack, port())
      peer.send(ack, port())
      assert.equal((await ask({ method: 'OPTIONS' })).statusCode, 200) // the ACKs have been read by now
      clock.advance(40_000)
      assert.equal((await ask({ method: 'OPTIONS' })).statusCode, 200)
      assert.equal(clock.pending, 1)
    })

    it('that has come by another way as well gets 482', async () => {
      await ask({ callId: 'merged@x' })
      assert.equal((await ask({ callId: 'merged@x' })).statusCode, 482)
      ;(await bob.invites.next()).reject(486)
    })

    it('of the same branch by another sender is another', async () => {
      const via = newVia()
      await ask({ via, callId: 'one@x' })
      assert.equal((await ask({ via: via.replace('127.0.0.1', 'other.example.com'), callId: 'two@x' })).statusCode, 100)
      assert.equal((await bob.invites.next()).request.callId, 'one@x')
      assert.equal((await bob.invites.next()).request.callId, 'two@x')
    })

    it('of an RFC 2543 peer, without branch and From tag, becomes a call', async () => {
      const via = `SIP/2.0/UDP 127.0.0.1:${peer.port}`
      const request = text({ via, from: '<sip:old@example.com>', callId: 'old@x' })
      assert.equal((await peer.ask(request, port())).statusCode, 100)
      const invite = await bob.invites.next()
      const dialog = invite.accept({ body: ANSWER })
      const ok = (await peer.responses.next()).message
      const acknowledged = called(dialog.handlers, 'acknowledged')
      peer.send(
        text({ method: 'ACK', via, from: '<sip:old@example.com>', to: ok.getHeader('to') ?? '', callId: 'old@x' }),
        port(),
      )
      await acknowledged
    })

    it('is answered to the port that it came from only where it asked for that (RFC 3581)', async () => {
      const other = await RawPeer.open()
      const via = `SIP/2.0/UDP 127.0.0.1:${other.port};branch=z9hG4bKnorport`
      peer.send(text({ method: 'OPTIONS', via }), port())
      assert.equal((await other.responses.next()).message.statusCode, 200)
      peer.send(text({ method: 'OPTIONS', via: `${via}2;rport=1;received=192.0.2.1` }), port())
      const stamped = await peer.responses.next()
      assert.match(stamped.text, new RegExp(`;received=127.0.0.1;rport=${peer.port}\r`))
      await other.close()
    })

    it('is cancelled by CANCEL, and by BYE in its early dialog', async () => {
      for (const method of ['CANCEL', 'BYE']) {
        const via = newVia()
        const callId = `${method}@early`
        await ask({ via, callId })
        const invite = await bob.invites.next()
        const cancelled = called(invite.handlers, 'cancelled')
        invite.progress(180)
        const ringing = (await peer.responses.next()).message
        const bye: Parts = { method, callId, to: ringing.getHeader('to') ?? '', cseq: '314160 BYE' }
        const headers = ['Reason: x, y', 'Reason: z']
        peer.send(text({ ...(method === 'BYE' ? bye : { method, callId, via }), headers }), port())
        const answers = [(await peer.responses.next()).message, (await peer.responses.next()).message]
        assert.deepEqual(answers.map((a) => [a.statusCode, a.method]).sort(), [
          [200, method],
          [487, 'INVITE'],
        ])
        assert.equal(answers[0]?.toTag, ringing.toTag)
        assert.deepEqual(await cancelled, ['x', 'y', 'z'])
      }
    })

    it('gets 500 where the handler breaks', async () => {
      bob.admit = () => ({ admit: true })
      const broken = bob.endpoint.createUserAgent({
        aor: 'sip:broken@x',
        contactUser: 'broken',
        displayName: '',
        routeSet: [],
        authenticator: { answer: () => undefined },
        handlers: {
          admit: () => ({ admit: true }),
          invite() {
            throw new Error('broken')
          },
          request() {
            throw new Error('broken')
          },
        },
      })
      assert.equal((await ask({ uri: 'sip:broken@x' })).statusCode, 100)
      assert.equal((await peer.responses.next()).message.statusCode, 500)
      assert.equal((await ask({ method: 'MESSAGE', uri: 'sip:broken@x' })).statusCode, 500)
      broken.close()
      assert.equal((await ask({ method: 'OPTIONS', uri: 'sip:broken@x' })).statusCode, 404)
    })

    it('gets no 100 where it is answered at once, but one where that takes 100 ms (RFC 3261 17.2.1)', async () => {
      const machine = bob.endpoint.createUserAgent({
        aor: 'sip:machine@x',
        contactUser: 'machine',
        displayName: '',
        routeSet: [],
        authenticator: { answer: () => undefined },
        handlers: {
          admit: () => ({ admit: true }),
          invite: (invite) => bob.invites.put(invite),
          decidesAtOnce: () => true,
        },
      })
      peer.send(text({ uri: 'sip:machine@x' }), port())
      const quick = await bob.invites.next()
      clock.advance(99)
      quick.reject(486)
      clock.advance(1)
      assert.equal((await peer.responses.next()).message.statusCode, 486)

      peer.send(text({ uri: 'sip:machine@x' }), port())
      const slow = await bob.invites.next()
      clock.advance(100)
      assert.equal((await peer.responses.next()).message.statusCode, 100)
      slow.accept({ body: ANSWER })
      assert.equal((await peer.responses.next()).message.statusCode, 200)
      machine.close()
    })

    it('copies Record-Route into its answers in the order given', async () => {
      const hops = ['<sip:a.example.com;lr>', `<sip:127.0.0.1:${peer.port};lr>`]
      await ask({ headers: [`Record-Route: ${hops[1]}, ${hops[0]}`] })
      const dialog = (await bob.invites.next()).accept({ body: ANSWER, headers: [['X-Answer', '1']] })
      const { message } = await peer.responses.next()
      assert.deepEqual(message.getHeaders('record-route'), [hops[1], hops[0]])
      assert.equal(message.getHeader('x-answer'), '1')
      assert.equal(message.getHeader('contact'), `<${bob.agent.contactUri}>`)
      assert.equal(dialog.localTag, message.toTag)
      assert.match(dialog.localTag, /^[0-9a-f]{16}$/)
    })
  })

  it('hands MESSAGE to the account, once', async () => {
    let count = 0
    bob.request = () => {
      count++
      return 202
    }
    const request = text({ method: 'MESSAGE' })
    const first = await peer.ask(request, port())
    const second = await peer.ask(request, port())
    assert.deepEqual([first.statusCode, second.statusCode, first.toTag === second.toTag, count], [202, 202, true, 1])
  })
})
