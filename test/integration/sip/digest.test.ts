/** Digest authentication against a server that says what the test wants; responses are computed here once more, by hand (RFC 7616 3.4). */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { DigestAuthenticator } from '../../../src/account/digest-authenticator.js'
import type { RealmGuardInit } from '../../../src/account/realm-guard.js'
import { octetsOf, textOf } from '../../../src/base/octets.js'
import type { ParsedRequest } from '../../../src/sip/message/parsed-message.js'
import type { SipDialog } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { tell } from '../../support/figures.js'
import { RawPeer, type Received } from '../../support/raw-peer.js'
import { SDP } from '../../support/sip-messages.js'
import { OFFER, Party } from '../../support/sip-parties.js'

const USER = 'auth-alice'
const PASSWORD = 's3cret'

const param = (header: string, name: string): string =>
  new RegExp(`(?:^Digest |, )${name}="?([^",]*)"?`).exec(header)?.[1] ?? ''

const challenge = (status: 401 | 407, realm: string, nonce: string, more = ', qop="auth"'): string =>
  `${status === 401 ? 'WWW' : 'Proxy'}-Authenticate: Digest realm="${realm}", nonce="${nonce}"${more}`

/** What `response` has to be, from the other parameters as they came. */
function expected(header: string, request: ParsedRequest): string {
  const algorithm = param(header, 'algorithm') || 'MD5'
  const name = algorithm.replace(/-sess$/i, '')
  const hash = name === 'MD5' ? 'md5' : name === 'SHA-256' ? 'sha256' : 'sha512-256'
  const h = (text: string) => createHash(hash).update(octetsOf(text)).digest('hex')
  const [nonce, nc, cnonce, qop] = ['nonce', 'nc', 'cnonce', 'qop'].map((each) => param(header, each))
  const secret = h(`${param(header, 'username')}:${param(header, 'realm')}:${PASSWORD}`)
  const a1 = /-sess$/i.test(algorithm) ? h(`${secret}:${nonce}:${cnonce}`) : secret
  const a2 = h(`${request.method}:${request.uri.text}${qop === 'auth-int' ? `:${h(request.body)}` : ''}`)
  return qop === '' ? h(`${a1}:${nonce}:${a2}`) : h(`${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`)
}

describe('digest authentication', () => {
  let server: RawPeer
  let alice: Party
  let clock: FakeClock

  const open = async (realms: Partial<RealmGuardInit> = {}, routeSet: string[] = []) => {
    const guard = {
      realm: '',
      viaProxy: routeSet.length > 0,
      isOurs: (host: string) => host === '127.0.0.1',
      ...realms,
    }
    const authenticator = new DigestAuthenticator({}, { username: USER, password: PASSWORD }, guard)
    alice = await Party.open('alice', { clock, agent: { authenticator, routeSet } })
  }

  beforeEach(async () => {
    clock = new FakeClock()
    server = await RawPeer.open()
    await open()
  })

  afterEach(() => Promise.all([server.close(), alice.close()]))

  let registers = 0
  const register = (port = server.port) =>
    alice.agent.request({
      method: 'REGISTER',
      target: `sip:127.0.0.1:${port}`,
      sipCallId: 'register@test',
      cseq: 10 * ++registers,
      headers: [['Contact', `<${alice.agent.contactUri}>`]],
    })
  const header = ({ message }: Received<ParsedRequest>, name = 'authorization') => message.header(name) ?? ''
  /** Right in itself, and its nonce count. */
  const count = (request: Received<ParsedRequest>, name = 'authorization'): string => {
    const value = header(request, name)
    assert.equal(param(value, 'response'), expected(value, request.message))
    assert.equal(param(value, 'username'), USER)
    return param(value, 'nc')
  }
  /** A registration that was challenged once, and its nonce taken. */
  const registered = async (more?: string) => {
    const result = register()
    server.answer(await server.requests.next(), 401, { headers: [challenge(401, 'pbx', 'n1', more)] })
    const second = await server.requests.next()
    count(second)
    server.answer(second, 200)
    await result
    return second
  }

  for (const algorithm of ['', 'MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess', 'SHA-512-256']) {
    for (const qop of ['', 'auth', 'auth-int', 'auth,auth-int']) {
      it(`answers ${algorithm || 'no algorithm'} with ${qop || 'no qop'}, and goes on with nc 2`, async () => {
        const more = `${algorithm && `, algorithm=${algorithm}`}${qop && `, qop="${qop}"`}`
        const first = await registered(more)
        const wantedQop = qop === 'auth,auth-int' ? 'auth' : qop
        assert.equal(param(header(first), 'qop'), wantedQop)
        void register()
        const ahead = await server.requests.next()
        assert.equal(count(ahead), qop === '' ? '' : '00000002')
        const [before, after] = [first, ahead].map((request) => param(header(request), 'cnonce'))
        // RFC 7616 3.4.2: the session key is made once, with the first cnonce.
        if (algorithm.endsWith('-sess')) assert.equal(after, before)
        else if (qop !== '') assert.notEqual(after, before)
        server.answer(ahead, 200)
      })
    }
  }

  it('answers a realm that is not UTF-8 by the octets that the server sent, also where the setting names it', async () => {
    await alice.close()
    await open({ realm: 'Zürich' })
    const realm = textOf(Buffer.from('Z\xfcrich', 'latin1'))
    const result = register()
    server.answer(await server.requests.next(), 401, { headers: [challenge(401, realm, 'n1')] })
    const second = await server.requests.next()
    count(second)
    assert.equal(param(header(second), 'realm'), realm)
    server.answer(second, 200)
    await result
  })

  it('covers the body with auth-int', async () => {
    const { outcome } = alice.call(server.uri)
    const headers = [challenge(407, 'pbx', 'n1', ', qop="auth-int"')]
    server.answer(await server.requests.next(), 407, { headers })
    await server.requests.next() // ACK
    const second = await server.requests.next()
    assert.equal(second.message.body, OFFER.content)
    count(second, 'proxy-authorization')
    server.answer(second, 486)
    await outcome
  })

  it('falls back from auth-int to auth where that is refused, once, and remembers it', async () => {
    const more = ', qop="auth-int"'
    const result = register()
    for (const qop of ['', 'auth-int']) {
      const request = await server.requests.next()
      assert.equal(param(header(request), 'qop'), qop)
      server.answer(request, 401, { headers: [challenge(401, 'pbx', 'n1', more)] })
    }
    const third = await server.requests.next()
    assert.deepEqual([param(header(third), 'qop'), count(third)], ['auth', '00000002'])
    server.answer(third, 200)
    assert.equal((await result).response.status, 200)
    const refused = register()
    const ahead = await server.requests.next()
    assert.deepEqual([param(header(ahead), 'qop'), count(ahead)], ['auth', '00000003'])
    server.answer(ahead, 401, { headers: [challenge(401, 'pbx', 'n2', more)] })
    for (const nonce of ['n3', 'n4']) {
      server.answer(await server.requests.next(), 401, { headers: [challenge(401, 'pbx', nonce, more)] })
    }
    assert.equal((await refused).response.status, 401)
  })

  it('sends credentials ahead while the nonce is good, and takes a new one when it is not', async () => {
    await registered()
    for (const nc of ['00000002', '00000003']) {
      const result = register()
      const request = await server.requests.next()
      assert.equal(count(request), nc)
      server.answer(request, 200)
      await result
    }
    const result = register()
    const old = await server.requests.next()
    server.answer(old, 401, { headers: [challenge(401, 'pbx', 'n2', ', qop="auth", stale=true')] })
    const fresh = await server.requests.next()
    assert.deepEqual(
      [count(fresh), param(header(fresh), 'nonce'), fresh.message.cseq],
      ['00000001', 'n2', old.message.cseq + 1],
    )
    server.answer(fresh, 200)
    assert.equal((await result).response.status, 200)
    void register()
    assert.equal(count(await server.requests.next()), '00000002')
  })

  it('takes an old nonce that is refused without a word of stale for old, not for a wrong password', async () => {
    await registered()
    const result = register()
    server.answer(await server.requests.next(), 401, { headers: [challenge(401, 'pbx', 'n2')] })
    const fresh = await server.requests.next()
    assert.equal(count(fresh), '00000001')
    server.answer(fresh, 200)
    assert.equal((await result).response.status, 200)
  })

  it('asks to be asked where credentials ahead are forbidden', async () => {
    await registered()
    const result = register()
    server.answer(await server.requests.next(), 403)
    const bare = await server.requests.next()
    assert.equal(header(bare), '')
    server.answer(bare, 401, { headers: [challenge(401, 'pbx', 'n2')] })
    const fresh = await server.requests.next()
    count(fresh)
    server.answer(fresh, 403)
    assert.equal((await result).response.status, 403)
  })

  it('sends nothing ahead to another method or host, nor after a refusal', async () => {
    await registered()
    const { outcome } = alice.call(server.uri)
    const invite = await server.requests.next()
    assert.deepEqual([header(invite), header(invite, 'proxy-authorization')], ['', ''])
    server.answer(invite, 404)
    await server.requests.next() // ACK
    await outcome
    const refused = register()
    for (const nonce of ['n2', 'n3']) {
      server.answer(await server.requests.next(), 401, { headers: [challenge(401, 'pbx', nonce)] })
    }
    assert.equal((await refused).response.status, 401)
    void register()
    assert.equal(header(await server.requests.next()), '')
  })

  it('satisfies a proxy that asks after the registrar, and the registrar that then asks anew', async () => {
    const result = register()
    const asks = [challenge(401, 'pbx', 'n1'), challenge(407, 'edge', 'p1'), challenge(401, 'pbx', 'n2')]
    for (const ask of asks) {
      server.answer(await server.requests.next(), ask.startsWith('WWW') ? 401 : 407, { headers: [ask] })
    }
    const last = await server.requests.next()
    assert.deepEqual([count(last), param(header(last), 'nonce')], ['00000001', 'n2'])
    assert.equal(count(last, 'proxy-authorization'), '00000002')
    server.answer(last, 200)
    assert.equal((await result).response.status, 200)
    void register()
    const ahead = await server.requests.next()
    assert.deepEqual([count(ahead), count(ahead, 'proxy-authorization')], ['00000002', '00000003'])
  })

  it('ends where two realms ask in turn for ever', async () => {
    const result = register()
    let asked = 0
    while (asked < 10) {
      const next = await Promise.race([server.requests.next(), result])
      if ('response' in next) break
      const headers = [asked % 2 ? challenge(407, 'edge', `p${asked}`) : challenge(401, 'pbx', `n${asked}`)]
      server.answer(next, asked % 2 ? 407 : 401, { headers })
      asked++
    }
    assert.ok(asked <= 6, `${asked} tries`)
  })

  it('answers several challenges of one response: realms each, the strongest algorithm of one', async () => {
    const result = register()
    const headers = [
      challenge(401, 'pbx', 'weak', ', algorithm=MD5, qop="auth"'),
      challenge(401, 'pbx', 'strong', ', algorithm=SHA-256, qop="auth"'),
      'WWW-Authenticate: Basic realm="pbx"',
      challenge(401, 'second', 'n2', ', qop="auth", algorithm=MD5'),
    ]
    server.answer(await server.requests.next(), 401, { headers })
    const second = await server.requests.next()
    const values = second.message.headers('authorization')
    assert.deepEqual(
      values.map((value) => [param(value, 'realm'), param(value, 'nonce'), param(value, 'algorithm')]),
      [
        ['pbx', 'strong', 'SHA-256'],
        ['second', 'n2', 'MD5'],
      ],
    )
    for (const value of values) assert.equal(param(value, 'response'), expected(value, second.message))
    server.answer(second, 200)
    await result
  })

  describe('proves the password only to our servers', () => {
    const establish = async (): Promise<SipDialog> => {
      const { outcome } = alice.call(server.uri)
      server.answer(await server.requests.next(), 200, { body: SDP })
      const result = await outcome
      assert.ok(result.kind === 'answered')
      assert.equal((await server.requests.next()).message.method, 'ACK')
      return result.dialog
    }
    let strangers = 0
    let sent = 0
    const sentNone = (peer: RawPeer): boolean => {
      const answered = peer.texts.filter((text) => /^(Proxy-)?Authorization:/m.test(text)).length
      strangers++
      sent += answered
      return answered === 0
    }
    after(() => tell(`credentials sent to ${strangers} who asked without a right to`, `${sent}`, 'none'))

    for (const method of ['BYE', 'INFO', 're-INVITE', 'UPDATE']) {
      it(`not to a realm that asks first within a dialog (${method})`, async () => {
        const dialog = await establish()
        const ended =
          method === 'BYE' ? dialog.bye() : method === 're-INVITE' ? dialog.reinvite(OFFER) : dialog.request(method)
        const request = await server.requests.next()
        server.answer(request, 407, { headers: [challenge(407, 'evil', 'n'), challenge(401, 'evil', 'n')] })
        assert.equal((await ended).status, 407)
        assert.ok(sentNone(server))
      })

      it(`not to somebody at another address who names our realm (${method})`, async () => {
        const elsewhere = await RawPeer.open('127.0.0.2')
        const home = register(server.port)
        server.answer(await server.requests.next(), 401, { headers: [challenge(401, 'pbx', 'n1')] })
        server.answer(await server.requests.next(), 200)
        await home
        const { outcome } = alice.call(elsewhere.uri)
        elsewhere.answer(await elsewhere.requests.next(), 200, { body: SDP })
        const result = await outcome
        assert.ok(result.kind === 'answered')
        await elsewhere.requests.next() // ACK
        const { dialog } = result
        const ended =
          method === 'BYE' ? dialog.bye() : method === 're-INVITE' ? dialog.reinvite(OFFER) : dialog.request(method)
        elsewhere.answer(await elsewhere.requests.next(), 407, { headers: [challenge(407, 'pbx', 'n')] })
        assert.equal((await ended).status, 407)
        assert.ok(sentNone(elsewhere))
        await elsewhere.close()
      })

      it(`but to our server within a dialog (${method})`, async () => {
        const home = register()
        server.answer(await server.requests.next(), 401, { headers: [challenge(401, 'pbx', 'n1')] })
        server.answer(await server.requests.next(), 200)
        await home
        const dialog = await establish()
        const ended =
          method === 'BYE' ? dialog.bye() : method === 're-INVITE' ? dialog.reinvite(OFFER) : dialog.request(method)
        server.answer(await server.requests.next(), 407, { headers: [challenge(407, 'pbx', 'n2')] })
        let again = await server.requests.next()
        if (again.message.method === 'ACK') again = await server.requests.next()
        count(again, 'proxy-authorization')
        server.answer(again, 200, { body: method === 're-INVITE' ? SDP : '' })
        assert.equal((await ended).status, 200)
      })
    }

    it('not to a stranger who is called or whom we are sent to, whatever realm it names', async () => {
      const stranger = await RawPeer.open('127.0.0.2')
      await registered()
      for (const realm of ['pbx', 'evil']) {
        const { outcome } = alice.call(stranger.uri)
        stranger.answer(await stranger.requests.next(), 401, { headers: [challenge(401, realm, 'n')] })
        assert.equal((await outcome).response.status, 401)
        assert.equal((await stranger.requests.next()).message.method, 'ACK')
      }
      assert.ok(sentNone(stranger))
      await stranger.close()
    })

    it('not to the realm of a called party behind the registrar, but to a proxy’s', async () => {
      await registered()
      const far = alice.call(server.uri)
      server.answer(await server.requests.next(), 401, { headers: [challenge(401, 'far end', 'n')] })
      assert.equal((await far.outcome).response.status, 401)
      await server.requests.next() // ACK
      const near = alice.call(server.uri)
      server.answer(await server.requests.next(), 407, { headers: [challenge(407, 'edge', 'n')] })
      await server.requests.next() // ACK
      const again = await server.requests.next()
      count(again, 'proxy-authorization')
      server.answer(again, 404)
      await near.outcome
    })

    it('only to the realm that was set, where one was', async () => {
      await alice.close()
      await open({ realm: 'pbx', isOurs: () => false })
      const wrong = register()
      server.answer(await server.requests.next(), 401, { headers: [challenge(401, 'other', 'n1')] })
      assert.equal((await wrong).response.status, 401)
      await registered()
      const dialog = await establish()
      const ended = dialog.bye()
      server.answer(await server.requests.next(), 407, { headers: [challenge(407, 'pbx', 'n2')] })
      const again = await server.requests.next()
      count(again, 'proxy-authorization')
      server.answer(again, 200)
      await ended
    })
  })
})
