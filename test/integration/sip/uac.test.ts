import assert from 'node:assert/strict'
import { chooseChallenges } from '../../../src/sip/digest/challenge.js'
import { digestResponse } from '../../../src/sip/digest/credentials.js'
import { openNames } from '../../../src/sip/dns/open-names.js'
import { type Authenticator, type Challenge, isLocal, type SipDialog } from '../../../src/sip/types.js'
import type { SipUri } from '../../../src/sip/uri/sip-uri.js'
import { DnsServer } from '../../support/dns-server.js'
import { FakeClock } from '../../support/fake-clock.js'
import { RawPeer } from '../../support/raw-peer.js'
import { SDP } from '../../support/sip-messages.js'
import { Party } from '../../support/sip-parties.js'

/** Says which challenges it was asked to answer. */
class TestAuthenticator implements Authenticator {
  readonly asked: (readonly Challenge[])[] = []

  answer(challenges: readonly Challenge[], request: { method: string; uri: SipUri; attempt: number }) {
    this.asked.push(challenges)
    return chooseChallenges(challenges).map((challenge) => {
      const response = digestResponse({
        challenge,
        username: 'a',
        password: 'p',
        cnonce: 'c',
        nonceCount: 1,
        method: request.method,
        uri: request.uri.text,
      })
      const name = challenge.status === 401 ? 'Authorization' : 'Proxy-Authorization'
      return [name, `Digest realm="${challenge.realm}", nonce="${challenge.nonce}", response="${response}"`] as const
    })
  }
}

const ask = (kind: 'WWW' | 'Proxy', realm: string, nonce: string, more = ''): string =>
  `${kind}-Authenticate: Digest realm="${realm}", nonce="${nonce}", qop="auth"${more}`

describe('UAC against a peer that says what the test wants', () => {
  let peer: RawPeer
  let alice: Party
  let authenticator: TestAuthenticator
  let clock: FakeClock

  beforeEach(async () => {
    authenticator = new TestAuthenticator()
    clock = new FakeClock()
    peer = await RawPeer.open()
    alice = await Party.open('alice', { clock, agent: { authenticator } })
  })

  afterEach(() => Promise.all([peer.close(), alice.close()]))

  const register = (headers: [string, string][] = []) =>
    alice.agent.request({
      method: 'REGISTER',
      target: `sip:127.0.0.1:${peer.port}`,
      from: 'sip:alice@example.com',
      to: 'sip:alice@example.com',
      sipCallId: 'register@test',
      cseq: 7,
      headers: [['Contact', `<${alice.agent.contactUri}>;expires=600`], ...headers],
    })

  it('says who it is, and leaves User-Agent out where it has no name', async () => {
    const nameless = await Party.open('carol', { userAgent: '' })
    for (const { agent } of [alice, nameless]) {
      void agent.request({ method: 'OPTIONS', target: `sip:127.0.0.1:${peer.port}`, sipCallId: 'who@test', cseq: 1 })
    }
    const requests = [await peer.requests.next(), await peer.requests.next()]
    assert.deepEqual(requests.map(({ text }) => /^User-Agent:.*$/m.exec(text)?.[0].trim()).toSorted(), [
      'User-Agent: test',
      undefined,
    ])
    await nameless.close()
  })

  describe('REGISTER', () => {
    it('is sent again with credentials: same Call-ID and From tag, CSeq one higher', async () => {
      const result = register()
      const first = await peer.requests.next()
      assert.equal(first.message.uri.text, `sip:127.0.0.1:${peer.port}`)
      assert.equal(first.message.to.uri.text, 'sip:alice@example.com')
      peer.answer(first, 401, { headers: [ask('WWW', 'r', 'n1'), ask('WWW', 'r', 'n2', ', algorithm=SHA-256')] })
      const second = await peer.requests.next()
      assert.equal(second.message.callId, first.message.callId)
      assert.equal(second.message.fromTag, first.message.fromTag)
      assert.deepEqual([first.message.cseq, second.message.cseq], [7, 8])
      assert.notEqual(second.message.via.branch, first.message.via.branch)
      assert.match(second.message.header('authorization') ?? '', /nonce="n2", response="[0-9a-f]{64}"/)
      peer.answer(second, 200, { headers: ['Expires: 600'] })
      const { response, cseq } = await result
      assert.ok(!isLocal(response))
      assert.deepEqual([response.status, response.header('expires'), cseq], [200, '600', 8])
    })

    it('satisfies a proxy and the registrar behind it', async () => {
      const result = register()
      peer.answer(await peer.requests.next(), 407, { headers: [ask('Proxy', 'p', 'n1')] })
      peer.answer(await peer.requests.next(), 401, { headers: [ask('WWW', 'r', 'n2')] })
      const third = await peer.requests.next()
      assert.match(third.message.header('proxy-authorization') ?? '', /realm="p"/)
      assert.match(third.message.header('authorization') ?? '', /realm="r"/)
      peer.answer(third, 200)
      assert.equal((await result).cseq, 9)
    })

    it('takes a new nonce where the old one was stale, and gives up where it was not', async () => {
      const result = register()
      peer.answer(await peer.requests.next(), 401, { headers: [ask('WWW', 'r', 'n1')] })
      peer.answer(await peer.requests.next(), 401, { headers: [ask('WWW', 'r', 'n2', ', stale=true')] })
      const third = await peer.requests.next()
      assert.match(third.message.header('authorization') ?? '', /nonce="n2"/)
      peer.answer(third, 401, { headers: [ask('WWW', 'r', 'n3')] })
      assert.equal((await result).response.status, 401)
      assert.equal(authenticator.asked.length, 2)
    })

    it('ends where a peer calls every nonce stale', async () => {
      const result = register()
      for (let i = 0; i < 6; i++)
        peer.answer(await peer.requests.next(), 401, { headers: [ask('WWW', 'r', `${i}`, ', stale=true')] })
      assert.equal((await result).response.status, 401)
    })

    it('puts new credentials in the place of those that it was sent with', async () => {
      const result = register([['Authorization', 'Digest old']])
      const first = await peer.requests.next()
      assert.equal(first.message.header('authorization'), 'Digest old')
      peer.answer(first, 401, { headers: [ask('WWW', 'r', 'n1')] })
      const second = await peer.requests.next()
      assert.equal(second.message.headers('authorization').length, 1)
      peer.answer(second, 200)
      await result
    })

    it('takes no answer that has another Via below ours: it was meant for somebody else (8.1.3.3)', async () => {
      const result = register()
      const asked = await peer.requests.next()
      const before = asked.message.headers('via')
      const others = {
        ...asked,
        message: Object.assign(Object.create(asked.message), {
          headers: (name: string) =>
            name === 'via' ? [...before, 'SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKother'] : asked.message.headers(name),
        }),
      }
      peer.answer(others, 403)
      peer.answer(asked, 200)
      assert.equal((await result).response.status, 200)
    })

    it('is repeated until it is answered (Timer E)', async () => {
      const result = register()
      const first = await peer.requests.next()
      clock.advance(500)
      const repeated = await peer.requests.next()
      assert.equal(repeated.text, first.text)
      peer.answer(repeated, 200)
      assert.equal((await result).response.status, 200)
      clock.advance(5_000)
      assert.equal(clock.pending, 0)
    })

    it('refuses headers that would inject others, before anything is sent', async () => {
      await assert.rejects(register([['X', 'a\r\nVia: b']]), { code: 'BAD_HEADER' })
      assert.deepEqual(alice.lines('out'), [])
    })

    it('ends when the endpoint closes', async () => {
      const result = register()
      await peer.requests.next()
      await alice.close()
      assert.deepEqual((await result).response, { status: 503, reason: 'Endpoint closed', local: true })
    })
  })

  describe('INVITE', () => {
    it('is sent again with credentials, after an ACK to the 401 that has its branch', async () => {
      const { outcome } = alice.call(peer.uri)
      const first = await peer.requests.next()
      peer.answer(first, 401, { headers: [ask('WWW', 'r', 'n1')] })
      const ack = await peer.requests.next()
      assert.deepEqual(
        [ack.message.method, ack.message.cseq, ack.message.via.branch],
        ['ACK', 1, first.message.via.branch],
      )
      const second = await peer.requests.next()
      assert.deepEqual([second.message.method, second.message.cseq], ['INVITE', 2])
      assert.equal(second.message.fromTag, first.message.fromTag)
      peer.answer(second, 200, { body: SDP })
      assert.equal((await outcome).kind, 'answered')
      const ack200 = await peer.requests.next()
      assert.deepEqual([ack200.message.method, ack200.message.cseq, ack200.message.toTag], ['ACK', 2, 'raw'])
      assert.notEqual(ack200.message.via.branch, second.message.via.branch)
    })

    it('repeats the ACK for a repeated failure and for a repeated 2xx', async () => {
      const { outcome } = alice.call(peer.uri)
      const invite = await peer.requests.next()
      peer.answer(invite, 486)
      const ack = await peer.requests.next()
      peer.answer(invite, 486)
      assert.equal((await peer.requests.next()).text, ack.text)
      assert.equal((await outcome).response.status, 486)

      const second = alice.call(peer.uri)
      const invite2 = await peer.requests.next()
      peer.answer(invite2, 200, { body: SDP })
      const ack2 = await peer.requests.next()
      peer.answer(invite2, 200, { body: SDP })
      assert.equal((await peer.requests.next()).text, ack2.text)
      assert.equal((await second.outcome).kind, 'answered')
    })

    it('hears of a 1xx without To tag and Contact', async () => {
      const { progress, outcome } = alice.call(peer.uri)
      const invite = await peer.requests.next()
      peer.answer(invite, 180, { toTag: '', contact: false })
      assert.equal((await progress.next()).status, 180)
      peer.answer(invite, 200, { body: SDP, contact: false })
      const result = await outcome
      assert.ok(result.kind === 'answered')
      assert.equal(result.dialog.remoteTag, 'raw')
      assert.equal((await peer.requests.next()).message.uri.text, `sip:127.0.0.1:${peer.port}`)
    })

    it('is acknowledged before a BYE, even where the handler hangs up at once', async () => {
      const body = { contentType: 'application/sdp', content: SDP }
      const answered = (dialog: SipDialog): void => void dialog.bye()
      alice.agent.invite(
        { target: peer.uri, body, sipCallId: 'at-once@test' },
        { progress() {}, answered, failed() {} },
      )
      peer.answer(await peer.requests.next(), 200, { body: SDP })
      const methods = [(await peer.requests.next()).message.method, (await peer.requests.next()).message.method]
      assert.deepEqual(methods, ['ACK', 'BYE'])
    })

    it('sends its ACK to where a 2xx came from whose Contact wants TLS', async () => {
      const { outcome } = alice.call(peer.uri)
      peer.answer(await peer.requests.next(), 200, { contact: `sips:raw@127.0.0.1:${peer.port}`, body: SDP })
      const ack = await peer.requests.next()
      assert.deepEqual([ack.message.method, ack.message.uri.text], ['ACK', peer.uri])
      assert.equal((await outcome).kind, 'answered')
    })

    it('goes to the remote target of the 2xx, not to that of the 1xx', async () => {
      const { progress, outcome } = alice.call(peer.uri)
      const invite = await peer.requests.next()
      peer.answer(invite, 183, { body: SDP, contact: `sip:first@127.0.0.1:${peer.port}` })
      await progress.next()
      peer.answer(invite, 200, { body: SDP, contact: `sip:second@127.0.0.1:${peer.port};x=1` })
      await outcome
      assert.equal((await peer.requests.next()).message.uri.text, `sip:second@127.0.0.1:${peer.port};x=1`)
    })

    it('keeps one of two forks and ends the other', async () => {
      const { outcome } = alice.call(peer.uri)
      const invite = await peer.requests.next()
      peer.answer(invite, 200, { toTag: 'one', body: SDP })
      assert.equal((await peer.requests.next()).message.toTag, 'one')
      peer.answer(invite, 200, { toTag: 'two', body: SDP })
      const ack = await peer.requests.next()
      const bye = await peer.requests.next()
      assert.deepEqual(
        [ack.message.method, ack.message.toTag, bye.message.method, bye.message.toTag],
        ['ACK', 'two', 'BYE', 'two'],
      )
      peer.answer(bye, 200)
      const result = await outcome
      assert.equal(result.kind === 'answered' && result.dialog.remoteTag, 'one')
    })

    it('follows Record-Route in reverse, and Contact as Request-URI (RFC 3261 12.1.2)', async () => {
      const { outcome } = alice.call(peer.uri)
      const hop = `<sip:127.0.0.1:${peer.port};lr>`
      peer.answer(await peer.requests.next(), 200, {
        body: SDP,
        contact: 'sip:bob@192.0.2.77',
        headers: [`Record-Route: <sip:far.example.com;lr>, <sip:near@127.0.0.1:${peer.port};lr>, ${hop}`],
      })
      const ack = await peer.requests.next()
      assert.equal(ack.message.uri.text, 'sip:bob@192.0.2.77')
      const routes = [hop, `<sip:near@127.0.0.1:${peer.port};lr>`, '<sip:far.example.com;lr>']
      assert.deepEqual(ack.message.headers('route'), routes)
      const result = await outcome
      assert.ok(result.kind === 'answered')
      const bye = result.dialog.bye()
      const received = await peer.requests.next()
      assert.deepEqual([received.message.method, received.message.headers('route')], ['BYE', routes])
      peer.answer(received, 200)
      assert.equal((await bye).status, 200)
    })

    it('is cancelled only after a provisional response, on the same branch', async () => {
      const { invite: outgoing, outcome } = alice.call(peer.uri)
      const invite = await peer.requests.next()
      outgoing.cancel()
      peer.answer(invite, 100, { toTag: '', contact: false })
      const cancel = await peer.requests.next()
      assert.deepEqual(
        [cancel.message.method, cancel.message.via.branch, cancel.message.cseq, cancel.message.toTag],
        ['CANCEL', invite.message.via.branch, 1, ''],
      )
      peer.answer(cancel, 200)
      peer.answer(invite, 487)
      assert.equal((await outcome).response.status, 487)
    })

    it('ends with 408 where no final answer follows the CANCEL within 64*T1, and ends a 2xx that comes later', async () => {
      const { invite: outgoing, progress, outcome } = alice.call(peer.uri)
      const invite = await peer.requests.next()
      peer.answer(invite, 180)
      await progress.next()
      outgoing.cancel()
      clock.advance(31_999)
      clock.advance(1)
      assert.deepEqual((await outcome).response, { status: 408, reason: 'Request Timeout', local: true })
      peer.answer(invite, 200, { body: SDP })
      const methods: string[] = []
      while (methods.at(-1) !== 'BYE') methods.push((await peer.requests.next()).message.method)
      assert.deepEqual(methods, [...Array(11).fill('CANCEL'), 'ACK', 'BYE'])

      clock.advance(32_000) // now it is forgotten, and the BYE has been given up
      const heard = peer.texts.length
      peer.answer(invite, 200, { body: SDP, toTag: 'far-too-late' })
      const probe = register()
      let next = await peer.requests.next()
      while (next.message.method === 'BYE') next = await peer.requests.next()
      assert.equal(next.message.method, 'REGISTER')
      assert.ok(!peer.texts.slice(heard).some((text) => text.includes('far-too-late')))
      peer.answer(next, 200)
      await probe
    })

    it('may ring for longer than any transaction timer', async () => {
      const { progress, outcome } = alice.call(peer.uri)
      const invite = await peer.requests.next()
      peer.answer(invite, 180)
      await progress.next()
      // Within Timer C each provisional response counts (RFC 3261 16.6).
      for (let minutes = 2; minutes <= 10; minutes += 2) {
        clock.advance(120_000)
        peer.answer(invite, 180)
        await progress.next()
      }
      peer.answer(invite, 200, { body: SDP })
      assert.equal((await outcome).kind, 'answered')
    })

    it('fails with 487 where the 401 crosses the CANCEL, and sends no credentials', async () => {
      const { invite: outgoing, outcome } = alice.call(peer.uri)
      const invite = await peer.requests.next()
      outgoing.cancel()
      peer.answer(invite, 401, { headers: [ask('WWW', 'r', 'n')] })
      assert.equal((await outcome).response.status, 487)
      assert.equal(authenticator.asked.length, 0)
    })

    it('names what it was asked to name', async () => {
      alice.agent.invite(
        {
          target: `${peer.uri}?Subject=dropped`,
          body: { contentType: 'application/sdp', content: 'größe' },
          fromDisplayName: 'Alarm "Süd" \\',
          sipCallId: 'given@test',
          headers: [['X-Case', 'ü 1']],
        },
        { progress() {}, answered() {}, failed() {} },
      )
      const { message } = await peer.requests.next()
      assert.equal(message.from.displayName, 'Alarm "Süd" \\')
      assert.equal(message.from.uri.text, 'sip:alice@example.com')
      assert.deepEqual([message.callId, message.header('x-case'), message.body], ['given@test', 'ü 1', 'größe'])
      assert.equal(message.uri.text, peer.uri)
    })

    it('carries one Contact, which is ours', () => {
      const handlers = { progress() {}, answered() {}, failed() {} }
      const headers = [['m', '<sip:other@x>'] as const]
      const init = { target: peer.uri, body: { contentType: 'application/sdp', content: SDP }, sipCallId: 'x@y' }
      assert.throws(() => alice.agent.invite({ ...init, headers }, handlers), { code: 'BAD_HEADER' })
    })

    for (const text of ['a\r\nX: y', 'a\u2028b', 'a\0b']) {
      it(`cannot be made to carry ${JSON.stringify(text)}`, () => {
        const handlers = { progress() {}, answered() {}, failed() {} }
        const init = { target: peer.uri, body: { contentType: 'application/sdp', content: SDP }, sipCallId: 'x@y' }
        for (const wrong of [{ fromDisplayName: text }, { sipCallId: text }, { headers: [['X', text] as const] }]) {
          assert.throws(() => alice.agent.invite({ ...init, ...wrong }, handlers), { code: 'BAD_HEADER' })
        }
        assert.throws(() => alice.agent.invite({ ...init, target: `sip:${text}@x` }, handlers), { code: 'BAD_TARGET' })
        const body = { contentType: text, content: 'x' }
        assert.throws(() => alice.agent.invite({ ...init, body }, handlers), { code: 'BAD_HEADER' })
      })
    }
  })

  describe('the next hop', () => {
    it('is the first route, with the Request-URI left as it is; the ACK to a failure has every route', async () => {
      await alice.close()
      const routeSet = [`<sip:127.0.0.1:${peer.port};lr>`, '<sip:second.example.com;lr>']
      alice = await Party.open('alice', { clock, agent: { routeSet } })
      const { outcome } = alice.call('sip:bob@far.example.com')
      const invite = await peer.requests.next()
      assert.equal(invite.message.uri.text, 'sip:bob@far.example.com')
      assert.deepEqual(invite.message.headers('route'), routeSet)
      peer.answer(invite, 404)
      assert.deepEqual((await peer.requests.next()).message.headers('route'), routeSet)
      assert.equal((await outcome).response.status, 404)
    })

    it('may be a name: resolved once for INVITE, CANCEL, the ACK to its failure and the next INVITE', async () => {
      await alice.close()
      const dns = (await DnsServer.start()).a('sip.example.com', '127.0.0.1')
      alice = await Party.open('alice', { clock, names: openNames({ servers: [dns.address] }).ours })
      const { invite: outgoing, progress, outcome } = alice.call(`sip:bob@sip.example.com:${peer.port}`)
      const invite = await peer.requests.next()
      peer.answer(invite, 180)
      await progress.next()
      outgoing.cancel()
      peer.answer(await peer.requests.next(), 200)
      peer.answer(invite, 487)
      assert.equal((await peer.requests.next()).message.method, 'ACK')
      await outcome
      alice.call(`sip:bob@sip.example.com:${peer.port}`)
      assert.equal((await peer.requests.next()).message.method, 'INVITE')
      assert.deepEqual(dns.asked, ['udp A sip.example.com'])
      await dns.close()
    })

    it('that cannot be resolved gives 503', async () => {
      await alice.close()
      alice = await Party.open('alice', { resolve: () => Promise.reject(new Error('ENOTFOUND')) })
      const { outcome } = alice.call('sip:bob@nowhere.example.com')
      assert.deepEqual((await outcome).response, { status: 503, reason: 'ENOTFOUND', local: true, unsent: true })
    })

    it('that is known only 32 s later gets nothing any more: the INVITE has had its 408 (Timer B)', async () => {
      await alice.close()
      let give: (address: string) => void = () => undefined
      const resolve = () => new Promise<string>((resolved) => (give = resolved))
      alice = await Party.open('alice', { clock, resolve })
      for (const [afterMs, expected] of [
        [31_999, [486, 'Test']],
        [32_000, [408, 'no way to slow32000.example.com was found in time']],
      ] as const) {
        const { outcome } = alice.call(`sip:bob@slow${afterMs}.example.com:${peer.port}`)
        clock.advance(afterMs)
        give('127.0.0.1')
        if (afterMs < 32_000) peer.answer(await peer.requests.next(), 486)
        const { status, reason } = (await outcome).response
        assert.deepEqual([status, reason], expected)
      }
      assert.equal(peer.texts.filter((text) => text.startsWith('INVITE')).length, 1)
    })

    it('that speaks IPv6 only gives 503', async () => {
      assert.equal((await alice.call('sip:bob@[2001:db8::1]').outcome).response.status, 503)
    })
  })
})
