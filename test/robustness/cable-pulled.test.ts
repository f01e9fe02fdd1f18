/** The cable of this machine is pulled for a while: accounts by UDP, TCP and TLS, a call with sound and one on hold (real interfaces). */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { authority } from '../support/certificates.js'
import { EngineChild } from '../support/engine-child.js'
import { tell } from '../support/figures.js'
import { OtherMachine } from '../support/other-machine.js'
import { Kamailio } from '../support/peers/kamailio.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Phone } from '../support/phone.js'
import { until } from '../support/wait.js'

const DOWN_MS = 40_000
const MEDIA_TIMEOUT_MS = 20_000
const EXPIRES_SEC = 40
const PROMISED = { backSec: 35, mediaSec: 60, requestsIn10Sec: 12, moveSec: 10 }
const MOVED = '10.77.0.9'

describe('the cable', function () {
  this.timeout(150_000)
  let there: OtherMachine
  let plain: Kamailio
  let secure: Kamailio
  let callee: EngineChild
  let phones: Phone[]

  before(async () => {
    there = await OtherMachine.start()
    const { its: host, prefix } = there
    const tls = authority.make({ names: [`IP:${host}`] })
    ;[plain, secure, callee] = await Promise.all([
      Kamailio.registrar({ name: 'plain', host, prefix }),
      Kamailio.registrar({ name: 'secure', host, prefix, tls }),
      EngineChild.start(
        {
          folder: peerFolder.folder('callee'),
          kind: 'assembled',
          plays: true,
          transport: { bindAddress: host, ports: { udp: 0, tcp: 0 } },
        },
        prefix,
      ),
    ])
    phones = await Promise.all([start('udp', plain, 'u0'), start('tcp', plain, 'u1'), start('tls', secure, 'u2')])
    await Promise.all(phones.map((phone) => phone.registration('registered')))
  })
  after(async () => {
    await Promise.all((phones ?? []).map((phone) => phone.close()))
    await Promise.all([callee?.close(), plain?.stop(), secure?.stop()])
    await there?.close()
  })

  const start = (protocol: 'udp' | 'tcp' | 'tls', registrar: Kamailio, user: string) =>
    Phone.start({
      folder: peerFolder.folder(user),
      trace: true,
      transport: { bindAddress: '', ports: { udp: 0 }, tls: { ca: { file: authority.caFile } } },
      account: {
        aor: `${user}@sip.test`,
        password: 'pw',
        registrar: registrar.address,
        protocol,
        register: true,
        expiresSec: EXPIRES_SEC,
        mediaTimeoutMs: MEDIA_TIMEOUT_MS,
      },
    })
  const call = async (phone: Phone, parameter = ''): Promise<string> => {
    const { host, port } = callee.local
    const callId = await phone.dial(`sip:ringflow@${host}:${port}${parameter}`)
    await phone.event('call.media', { callId })
    return callId
  }

  it(`is out for ${DOWN_MS / 1000} s: registered again within 35 s of its return, a call without sound ends, one on hold goes on`, async () => {
    const [udp, tcp] = phones as [Phone, Phone]
    const talking = await call(udp)
    const held = await call(tcp, ';transport=tcp')
    await tcp.call('hold', { callId: held })

    there.pullOut()
    const pulledMs = performance.now()
    const { end } = await udp.event('call.ended', { callId: talking, timeoutMs: DOWN_MS })
    const endedSec = (performance.now() - pulledMs) / 1000
    await delay(pulledMs + DOWN_MS - performance.now())
    const states = await Promise.all(phones.map((phone) => phone.call('registration', { accountId: phone.accountId })))
    const before = phones.map((phone) => accepted(phone))
    there.plugIn()
    const pluggedMs = performance.now()
    const backSec = await Promise.all(
      phones.map(async (phone, i) => {
        await until(() => accepted(phone) > (before[i] ?? 0), `${phone.account.aor} registered again`, 40_000)
        return (performance.now() - pluggedMs) / 1000
      }),
    )
    await tcp.call('resume', { callId: held })
    const { packetsReceived } = await tcp.call('stats', { callId: held })
    await until(
      async () => (await tcp.call('stats', { callId: held })).packetsReceived > packetsReceived + 10,
      'sound after the resume',
    )
    await tcp.call('hangup', { callId: held })
    const busiest = phones.map(busiest10Sec)

    tell(
      `cable out: a call with sound ended as ${end.cause} after`,
      `${endedSec.toFixed(1)} s`,
      `${PROMISED.mediaSec} s`,
    )
    tell(
      `cable out for ${DOWN_MS / 1000} s (told as ${states.map(({ state }) => state)}): registered again by UDP, TCP and TLS after`,
      `${backSec.map((sec) => sec.toFixed(1))} s`,
      `${PROMISED.backSec} s`,
    )
    tell('most messages of REGISTER sent within 10 s', `${busiest}`, `${PROMISED.requestsIn10Sec}`)
    assert.equal(end.cause, 'media-timeout')
    assert.ok(endedSec <= PROMISED.mediaSec)
    assert.ok(Math.max(...backSec) <= PROMISED.backSec)
    assert.ok(Math.max(...busiest) <= PROMISED.requestsIn10Sec)
  })

  it('leads to another address for us: REGISTER by UDP, TCP and TLS, and the new offer of a call by TCP, come from there within 10 s', async () => {
    const [, tcp] = phones as [Phone, Phone]
    const callId = await call(tcp, ';transport=tcp')
    there.moveUs(there.ours, MOVED)
    const movedMs = performance.now()
    const sec = await Promise.all(
      ['u0', 'u1', 'u2'].map(async (user) => {
        const registrar = user === 'u2' ? secure : plain
        const isMoved = async () => (await registrar.bindings(user)).some(({ contact }) => contact.includes(MOVED))
        await until(isMoved, `a binding of ${user} at ${MOVED}`, 15_000)
        return (performance.now() - movedMs) / 1000
      }),
    )
    const isFromNew = (text: string) =>
      text.includes(`Contact: <sip:`) && /^To:.*;tag=/im.test(text) && text.includes(MOVED)
    await until(
      () => tcp.messages('out', /^(INVITE|UPDATE) /).some(isFromNew),
      'the offer from the new address',
      15_000,
    )
    const offerSec = (performance.now() - movedMs) / 1000
    const { packetsReceived } = await tcp.call('stats', { callId })
    await until(
      async () => (await tcp.call('stats', { callId })).packetsReceived > packetsReceived + 10,
      'sound at the new address',
    )
    tell(
      'address changed: registered from the new one by UDP, TCP and TLS, and the new offer of a call by TCP, after',
      `${[...sec, offerSec].map((s) => s.toFixed(1))} s`,
      `${PROMISED.moveSec} s`,
    )
    assert.ok(Math.max(...sec, offerSec) <= PROMISED.moveSec)
    await tcp.call('hangup', { callId })
  })
})

/** REGISTERs that the registrar has accepted. */
const accepted = (phone: Phone): number =>
  phone.messages('in', /^SIP\/2\.0 200 /).filter((text) => /^CSeq: \d+ REGISTER/im.test(text)).length

function busiest10Sec(phone: Phone): number {
  const sent = phone.traces.filter(({ direction, text }) => direction === 'out' && text.startsWith('REGISTER'))
  const at = sent.map((trace) => trace.at)
  return Math.max(0, ...at.map((startMs) => at.filter((ms) => ms >= startMs && ms < startMs + 10_000).length))
}
