/** A telephone in a web page: Chromium's WebSocket and sip.js, over our listeners and through Kamailio (RFC 7118). Sound is not part of it. */
import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import type { TlsPair } from '../../src/sip/types.js'
import { launchBrowser } from '../browser/support/editor.js'
import { authority } from '../support/certificates.js'
import { BrowserPhone, PhonePages, trusting } from '../support/peers/browser-phone.js'
import { Kamailio } from '../support/peers/kamailio.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Phone } from '../support/phone.js'

const AOR = 'sip:browser@sip.test'

describe('sip.js in Chromium', function () {
  this.timeout(60_000)
  let browser: Browser
  let pages: PhonePages

  before(async () => {
    browser = await launchBrowser([trusting(authority.make().certificateFile)])
    pages = await PhonePages.start()
  })
  after(async () => {
    await browser?.close()
    await pages?.close()
  })

  const listening = (protocol: 'ws' | 'wss', pair: TlsPair = authority.make().pair) =>
    Phone.start({
      folder: peerFolder.folder('phone'),
      trace: true,
      transport: { ports: { [protocol]: 0 }, tls: { pair, ca: { file: authority.caFile } } },
      inbound: {},
    })

  for (const protocol of ['ws', 'wss'] as const)
    it(`over our listener by ${protocol.toUpperCase()}: calls come and go by its connection, and REGISTER is refused`, async () => {
      const phone = await listening(protocol)
      const web = await BrowserPhone.start(browser, pages.url(), {
        server: `${protocol}://${phone.address}/`,
        uri: AOR,
      })
      assert.equal(await web.register(), 405)

      assert.equal(await web.call(`sip:ringflow@${phone.address}`), 'Established')
      const [invite = ''] = phone.messages('in', /^INVITE /)
      assert.match(invite, new RegExp(`^Via: SIP/2\\.0/${protocol.toUpperCase()} [a-z0-9]+\\.invalid;`, 'm'))
      assert.match(invite, /^Contact: <sip:[^>]+\.invalid;transport=ws/m)
      assert.equal(await web.reinvite(), 200)
      const { callId } = await phone.event('call.answered')
      await phone.call('hangup', { callId })
      await web.until('Terminated')
      await phone.event('call.ended', { callId })

      const peer = phone.traces.find(({ direction }) => direction === 'in')?.remote ?? ''
      const out = await phone.dial(`sip:${web.contactUser}@${peer};transport=${protocol}`)
      await phone.event('call.answered', { callId: out })
      await web.until('Established')
      await web.bye()
      const { end } = await phone.event('call.ended', { callId: out })
      assert.deepEqual([end.by, end.cause], ['remote', 'normal'])
      assert.deepEqual([...new Set(phone.traces.map(({ remote }) => remote))], [peer])
      await web.close()
      await phone.close()
    })

  it('may connect from pages of the same host only', async () => {
    const phone = await listening('ws')
    const connect = (host: string) =>
      BrowserPhone.start(browser, pages.url(host), { server: `ws://${phone.address}/`, uri: AOR })
    await assert.rejects(connect('localhost'), /WebSocket/)
    await (await connect('127.0.0.1')).close()
    await phone.close()
  })

  it('does not connect where it does not trust the certificate', async () => {
    const phone = await listening('wss', authority.make({ byStranger: true }).pair)
    const server = `wss://${phone.address}/`
    await assert.rejects(BrowserPhone.start(browser, pages.url(), { server, uri: AOR }), /WebSocket/)
    await phone.close()
  })

  it('through Kamailio by WSS: both are registered there, and calls come and go', async () => {
    const kamailio = await Kamailio.registrar({ webSocket: true, tls: authority.make() })
    const phone = await Phone.start({
      folder: peerFolder.folder('phone'),
      trace: true,
      transport: { ports: { udp: 0 }, tls: { ca: { file: authority.caFile } } },
      account: {
        aor: 'alice@sip.test',
        password: 'secret-a',
        register: true,
        protocol: 'wss',
        inboundFrom: 'known',
        allowedSources: [],
        proxy: { id: 'p', name: 'p', hops: [kamailio.address] },
      },
      inbound: {},
    })
    const web = await BrowserPhone.start(browser, pages.url(), {
      server: `wss://${kamailio.address}/`,
      uri: 'sip:bob@sip.test',
      password: 'secret-b',
    })
    assert.equal(await web.register(), 200)
    await phone.registration('registered')

    const out = await phone.dial('bob')
    await phone.event('call.answered', { callId: out })
    await web.until('Established')
    await phone.call('hangup', { callId: out })
    await web.until('Terminated')
    await phone.event('call.ended', { callId: out })

    assert.equal(await web.call('sip:alice@sip.test'), 'Established')
    assert.equal(await web.reinvite(), 200)
    await web.bye()
    const { end } = await phone.event('call.ended', { where: ({ callId }) => callId !== out })
    assert.deepEqual([end.by, end.cause], ['remote', 'normal'])
    await web.close()
    await phone.close()
    await kamailio.stop()
  })
})
