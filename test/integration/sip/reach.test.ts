/** Peers whose Contact or Record-Route leads to where this endpoint cannot send: RFC 3261 12.1, 12.2.1.1, 18.1. */
import assert from 'node:assert/strict'
import { isLocal, type SipDialog, type SipDialogHandlers } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { RawCaller } from '../../support/raw-call.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { ANSWER, OFFER, Party } from '../../support/sip-parties.js'
import { StreamPeer } from '../../support/stream-peer.js'
import { called } from '../../support/wait.js'

describe('a target out of reach', () => {
  let peer: RawPeer
  let alice: Party

  beforeEach(async () => {
    peer = await RawPeer.open()
    alice = await Party.open('alice', {
      clock: new FakeClock(),
      resolve: async (host) => {
        throw new Error(`the name ${host} cannot be resolved`)
      },
    })
  })
  afterEach(() => Promise.all([peer.close(), alice.close()]))

  /** The next request has come to where the peer's message was sent from. */
  async function comesBack(method: string, uri: string, routes: readonly string[] = []) {
    const received = await peer.requests.next()
    const { message } = received
    assert.deepEqual([message.method, message.uri.text, message.headers('route')], [method, uri, routes])
    return received
  }

  async function hangUp(dialog: SipDialog, uri: string, routes: readonly string[] = []) {
    const bye = dialog.bye()
    peer.answer(await comesBack('BYE', uri, routes), 200)
    assert.equal((await bye).status, 200)
  }

  const unreachable = (): [why: string, contact: string, instead: string][] => [
    ['TLS', 'sip:x@127.0.0.1:5061;transport=tls', `sip:x@127.0.0.1:${peer.port}`],
    ['TCP', 'sip:x@127.0.0.1:5061;transport=TCP;ob', `sip:x@127.0.0.1:${peer.port};ob`],
    ['a browser', 'sip:jb7@akdbpg.invalid;transport=ws', `sip:jb7@127.0.0.1:${peer.port}`],
    ['a name that cannot exist', 'sip:x@nowhere.invalid', `sip:x@127.0.0.1:${peer.port}`],
    ['TLS at another address', 'sip:x@127.0.0.1;transport=tls;maddr=192.0.2.9;ob', `sip:x@127.0.0.1:${peer.port};ob`],
    ['sips', 'sips:x@127.0.0.1', `sip:x@127.0.0.1:${peer.port}`],
    ['IPv6', 'sip:x@[2001:db8::1]:5070;user=phone', `sip:x@127.0.0.1:${peer.port};user=phone`],
    ...['0.0.0.0', '255.255.255.255', '224.0.1.75', '239.255.255.255', '[::]', '[ff02::1]'].map(
      (host): [string, string, string] => [host, `sip:x@${host}:5070`, `sip:x@127.0.0.1:${peer.port}`],
    ),
    ['port 0', 'sip:x@127.0.0.1:0', `sip:x@127.0.0.1:${peer.port}`],
  ]

  it('in the 2xx: ACK, INFO and BYE go to where the 2xx came from', async () => {
    for (const [why, contact, instead] of unreachable()) {
      const { outcome } = alice.call(peer.uri)
      peer.answer(await peer.requests.next(), 200, { contact, body: SDP })
      await comesBack('ACK', instead)
      const result = await outcome
      assert.ok(result.kind === 'answered', why)
      const info = result.dialog.request('INFO')
      peer.answer(await comesBack('INFO', instead), 200)
      assert.equal((await info).status, 200, why)
      await hangUp(result.dialog, instead)
    }
  })

  it('in the INVITE, re-INVITE and UPDATE of the peer: requests go to where those came from', async () => {
    for (const [why, contact, instead] of unreachable()) {
      const caller = new RawCaller(peer, { uri: alice.address, port: alice.endpoint.local.port })
      caller.send('INVITE', { contact, body: SDP })
      const dialog = (await alice.invites.next()).accept({ body: ANSWER })
      await caller.final('INVITE')
      const acknowledged = called(dialog.handlers, 'acknowledged')
      caller.send('ACK')
      await acknowledged
      dialog.handlers.request = (offer) => offer.accept({ body: ANSWER })
      for (const refresh of ['', 'INVITE', 'UPDATE']) {
        if (refresh !== '') assert.equal((await caller.ask(refresh, { contact, body: SDP })).status, 200, why)
        if (refresh === 'INVITE') caller.send('ACK')
        const info = dialog.request('INFO')
        peer.answer(await comesBack('INFO', instead), 200)
        assert.equal((await info).status, 200, `${why} ${refresh}`)
      }
      await hangUp(dialog, instead)
    }
  })

  it('in the 2xx to our re-INVITE: the ACK and what follows go to where that came from', async () => {
    for (const [why, contact, instead] of unreachable()) {
      const { outcome } = alice.call(peer.uri)
      peer.answer(await peer.requests.next(), 200, { body: SDP })
      await comesBack('ACK', peer.uri)
      const result = await outcome
      assert.ok(result.kind === 'answered')
      const reinvite = result.dialog.reinvite(OFFER)
      peer.answer(await peer.requests.next(), 200, { contact, body: SDP })
      await comesBack('ACK', instead)
      assert.equal((await reinvite).status, 200, why)
      await hangUp(result.dialog, instead)
    }
  })

  it('in an INVITE that came by TCP: the BYE goes back on its connection', async () => {
    const bob = await Party.open('bob', { protocol: 'udp+tcp' })
    const caller = await StreamPeer.connect(bob.endpoint.local.port)
    const request = (method: string, to?: string): string =>
      requestText({
        method,
        uri: bob.address,
        via: `SIP/2.0/TCP 127.0.0.1:${caller.port};branch=z9hG4bK${method}`,
        ...(to === undefined ? { body: SDP } : { to }),
      }).replace('<sip:alice@192.0.2.1:5060>', '<sip:alice@127.0.0.1:5061;transport=tls>')
    caller.send(request('INVITE'))
    const dialog = (await bob.invites.next()).accept({ body: ANSWER })
    caller.send(request('ACK', `<sip:bob@example.org>;tag=${dialog.localTag}`))
    const ended = dialog.bye()
    const next = async (start: string): Promise<string> => {
      for (;;) {
        const message = await caller.messages.next()
        if (message.startsWith(start)) return message
      }
    }
    const bye = await next('BYE ')
    assert.match(bye, new RegExp(`^BYE sip:alice@127\\.0\\.0\\.1:${caller.port};transport=tcp SIP`))
    const copied = bye.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/i.test(line))
    caller.send(['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n'))
    assert.equal((await ended).status, 200)
    await caller.close()
    await bob.close()
  })

  it('behind a proxy that stays on the way stays as it is: the first route decides', async () => {
    const hop = `<sip:127.0.0.1:${peer.port};lr>`
    for (const [, contact] of unreachable()) {
      const { outcome } = alice.call(peer.uri)
      peer.answer(await peer.requests.next(), 200, { contact, body: SDP, headers: [`Record-Route: ${hop}`] })
      await comesBack('ACK', contact, [hop])
      const result = await outcome
      assert.ok(result.kind === 'answered')
      await hangUp(result.dialog, contact, [hop])
    }
  })

  it('in the first route: requests go to the proxy that the message came from, with the route else as it was', async () => {
    const far = '<sip:far.example.com;lr>'
    const instead = `<sip:p1@127.0.0.1:${peer.port};lr;r2=on>`
    for (const first of ['<sip:p1@127.0.0.1:5061;transport=tls;lr;r2=on>', '<sips:p1@127.0.0.1;lr;r2=on>']) {
      const { outcome } = alice.call(peer.uri)
      peer.answer(await peer.requests.next(), 200, { body: SDP, headers: [`Record-Route: ${far}, ${first}`] })
      await comesBack('ACK', peer.uri, [instead, far])
      const result = await outcome
      assert.ok(result.kind === 'answered')
      await hangUp(result.dialog, peer.uri, [instead, far])

      const caller = new RawCaller(peer, { uri: alice.address, port: alice.endpoint.local.port })
      caller.send('INVITE', { body: SDP, headers: [`Record-Route: ${first}, ${far}`] })
      const dialog = (await alice.invites.next()).accept({ body: ANSWER })
      const ok = await caller.final('INVITE')
      assert.deepEqual(ok.headers('record-route'), [first, far], 'mirrored as it came (12.1.1)')
      const acknowledged = called(dialog.handlers, 'acknowledged')
      caller.send('ACK')
      await acknowledged
      await hangUp(dialog, peer.uri, [instead, far])
    }
  })

  it('that shows only when its name is looked up: the dialog is lost, and says that the ACK was not sent', async () => {
    const handlers: SipDialogHandlers = {}
    const lost = called(handlers, 'lost')
    const gone = new Promise<SipDialog>((resolve) => {
      alice.agent.invite(
        { target: peer.uri, body: OFFER, sipCallId: 'lost@test' },
        {
          progress() {},
          failed() {},
          answered(dialog) {
            dialog.handlers = handlers
            resolve(dialog)
          },
        },
      )
    })
    peer.answer(await peer.requests.next(), 200, { contact: 'sip:x@nowhere.example.com', body: SDP })
    const response = await lost
    assert.ok(isLocal(response))
    assert.match(response.reason, /^the ACK could not be sent: the name nowhere\.example\.com cannot be resolved$/)
    const bye = await (await gone).bye()
    assert.deepEqual([bye.status, isLocal(bye) && bye.unsent], [503, true])
  })

  it('behind a name: the ACK is not sent, and the dialog is told', async () => {
    const bob = await Party.open('bob', { resolve: async () => '0.0.0.0' })
    const { outcome } = bob.call(peer.uri)
    peer.answer(await peer.requests.next(), 200, { contact: 'sip:x@anywhere.example.com', body: SDP })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    const bye = await result.dialog.bye()
    assert.ok(isLocal(bye) && bye.unsent)
    assert.match(bye.reason, /0\.0\.0\.0 is not the address of one machine/)
    await bob.close()
  })

  it('of a re-INVITE whose 2xx moves the dialog to such a name: told as well', async () => {
    const { outcome } = alice.call(peer.uri)
    peer.answer(await peer.requests.next(), 200, { body: SDP })
    await comesBack('ACK', peer.uri)
    const result = await outcome
    assert.ok(result.kind === 'answered')
    const lost = called(result.dialog.handlers, 'lost')
    const reinvite = result.dialog.reinvite(OFFER)
    peer.answer(await peer.requests.next(), 200, { contact: 'sip:x@nowhere.example.com', body: SDP })
    assert.equal((await reinvite).status, 200)
    assert.match((await lost).reason, /^the ACK could not be sent: /)
  })
})
