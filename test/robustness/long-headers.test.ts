/** No header takes long to parse, however it is filled: measured from outside by the wait of the next OPTIONS. */
import assert from 'node:assert/strict'
import { EngineChild } from '../support/engine-child.js'
import { ms, tell } from '../support/figures.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { requestText, responseText, SDP } from '../support/sip-messages.js'
import { SipProber } from '../support/sip-prober.js'

const OCTETS = 60_000
const PROMISE_MS = 50
/** Delays of the machine differ between two measurements; delays of the parser appear in both. */
const LOOKS = 3

const HEADERS = [
  ...['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Contact', 'Route', 'Record-Route', 'Max-Forwards', 'Content-Length'],
  ...['Content-Type', 'Require', 'Supported', 'Allow', 'Authorization', 'Proxy-Authorization', 'WWW-Authenticate'],
  ...['Proxy-Authenticate', 'Expires', 'Reason', 'Date', 'Subject', 'Refer-To', 'Session-Expires', 'X-Unknown'],
]
/** Input that makes regular expressions backtrack and lists long. */
const FILLERS: Record<string, string> = {
  letters: 'a',
  commas: ',',
  semicolons: ';a=b',
  quotes: '"',
  backslashes: '"\\"',
  angles: '<',
  uris: '<sip:a@b>,',
  blanks: ' ',
  'blank and letter': ' a',
  folded: '\r\n ',
  digits: '9',
  colons: ':',
  percents: '%41',
  commented: '(',
  equals: 'a=',
  ats: '@',
}
const LINES = ['m=audio 4 RTP/AVP ', 'a=rtpmap:', 'a=fmtp:8 ', 'c=IN IP4 ', 'o=', 'a=candidate:']

describe(`a header of ${OCTETS} octets`, function () {
  this.timeout(60_000)

  let engine: EngineChild
  let prober: SipProber

  before(async () => {
    const account = { allowedSources: ['127.0.0.1'] }
    engine = await EngineChild.start({ folder: peerFolder.folder('long'), kind: 'assembled', noSound: true, account })
    prober = await SipProber.open(engine.local)
  })

  after(async () => {
    await prober.close()
    await engine.close()
  })

  it('takes no longer than 50 ms, whichever it is and whatever it holds', async () => {
    const slowest: { what: string; ms: number }[] = []
    let n = 0
    const look = async (what: string, make: (via: string) => string) => {
      const times: number[] = []
      for (let i = 0; i < LOOKS; i++) {
        const { host, port } = prober.address
        prober.send(make(`SIP/2.0/UDP ${host}:${port};branch=z9hG4bKlong${n++};rport`))
        times.push((await prober.options()).ms)
        if (Math.min(...times) < PROMISE_MS / 5) break
      }
      slowest.push({ what, ms: Math.min(...times) })
    }
    const uri = 'sip:ringflow@127.0.0.1'
    for (const [name, filler] of Object.entries(FILLERS)) {
      const value = filler.repeat(OCTETS / filler.length)
      for (const header of HEADERS) {
        const headers = [`${header}: ${value}`]
        await look(`INVITE ${header} of ${name}`, (via) => requestText({ uri, via, callId: via, headers, body: SDP }))
        await look(`200 ${header} of ${name}`, () => responseText(200, { headers }))
      }
      for (const line of LINES) {
        const body = `${SDP}${line}${value}\r\n`
        await look(`SDP ${line}of ${name}`, (via) => requestText({ uri, via, callId: via, body }))
      }
      await look(`Request-URI of ${name}`, (via) => requestText({ uri: `sip:${value}`, via, callId: via }))
    }
    slowest.sort((a, b) => b.ms - a.ms)
    const [worst] = slowest
    tell(
      `${slowest.length} messages with ${OCTETS} octets in one header or line`,
      `slowest ${ms(worst?.ms ?? Number.NaN)}, ${worst?.what}`,
      `${PROMISE_MS} ms`,
    )
    assert.deepEqual(
      slowest.filter((one) => one.ms > PROMISE_MS),
      [],
    )
    assert.deepEqual(await engine.call('faults', null), [])
  })
})
