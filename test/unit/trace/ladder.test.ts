import assert from 'node:assert/strict'
import { chosen } from '../../../src/trace/filter.js'
import { buildLadder } from '../../../src/trace/ladder.js'
import { ladderAsMermaid } from '../../../src/trace/ladder-mermaid.js'
import { ladderAsText } from '../../../src/trace/ladder-text.js'
import { request, response, traced, usualCall } from '../../support/trace-texts.js'

const call = usualCall()

describe('SIP ladder', () => {
  it('has times, round trips and retransmissions', () => {
    const [invite, ringing, ok, ack, bye, done] = call.map(({ text }) => text) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ]
    const { parties, steps } = buildLadder(
      traced([
        ['>', invite],
        ['>', invite, 500],
        ['<', ringing],
        ['<', ok, 1000],
        ['<', ok, 500],
        ['>', ack],
        ['<', bye],
        ['>', done],
      ]),
    )
    assert.deepEqual(parties, ['192.0.2.1:5062', '198.51.100.2:5080'])
    assert.deepEqual(
      steps.map(({ isRetransmission }) => isRetransmission),
      [false, true, false, false, true, false, false, false],
    )
    assert.deepEqual(
      steps.map(({ roundTripMs }) => roundTripMs),
      [undefined, undefined, 520, 1520, undefined, undefined, undefined, 20],
    )
    assert.deepEqual(
      steps.map(({ deltaMs }) => deltaMs),
      [0, 500, 20, 1000, 500, 20, 20, 20],
    )
  })

  it('as text: a column for each party', () => {
    const [first, second] = call
    assert.ok(first && second)
    const text = ladderAsText(buildLadder([first, { ...first, at: first.at + 500 }, { ...second, at: first.at + 520 }]))
    assert.match(
      text,
      /^3 SIP messages from 2026-01-02T03:04:05.020Z\n\n {22}192\.0\.2\.1:5062 +198\.51\.100\.2:5080\n/,
    )
    const lines = text.split('\n').slice(3)
    assert.match(
      lines[0] ?? '',
      /^ {4}0\.000 {5}\+0\.000 {2}\|-.*INVITE.*>\| {3}INVITE sip:bob@198\.51\.100\.2:5080 \(SDP PCMA PCMU\)$/,
    )
    assert.match(lines[1] ?? '', /^ {4}0\.500 {5}\+0\.500 .*\[again\]$/)
    assert.match(lines[2] ?? '', /^ {4}0\.520 {5}\+0\.020 {2}\|<-+ 180 Ringing \(INVITE\) 520 ms -+\|$/)
    assert.equal(new Set(lines.slice(0, 3).map((line) => line.lastIndexOf('|'))).size, 1)
  })

  it('no message can move the cursor of the terminal', () => {
    const text = ladderAsText(buildLadder(traced([['<', response(486, 'Busy \u001b[2J\u202e')]])))
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
  })

  it('as Mermaid', () => {
    const [invite, ringing] = call
    assert.ok(invite && ringing)
    assert.equal(
      ladderAsMermaid(buildLadder([invite, ringing])),
      `sequenceDiagram
    participant p0 as 192.0.2.1:5062
    participant p1 as 198.51.100.2:5080
    p0->>p1: 0.000 s INVITE sip:bob@198.51.100.2:5080 (SDP PCMA PCMU)
    p1-->>p0: 0.020 s 180 Ringing (INVITE)
`,
    )
    const hostile = ladderAsMermaid(buildLadder(traced([['<', response(486, 'a;b#c<script>"x"%%{init}')]])))
    assert.match(hostile, /486 a#59;b#35;c#60;script#62;#34;x#34;#37;#37;#123;init#125; \(INVITE\)/)
  })

  it('filters choose whole calls', () => {
    const other = traced([
      ['>', request('OPTIONS', { callId: 'other' })],
      ['<', response(404, 'Not Found', { callId: 'other', method: 'OPTIONS' })],
    ])
    const all = [...call, ...other]
    for (const filter of [
      { method: 'options' },
      { status: '404' },
      { status: '4xx' },
      { callId: 'other' },
      { text: 'NOT FOUND' },
      { method: 'OPTIONS', host: '192.0.2.1', port: 5080, user: 'alice' },
    ]) {
      assert.deepEqual(chosen(all, filter), other, JSON.stringify(filter))
    }
    for (const filter of [{ host: '203.0.113.1' }, { port: 1 }, { user: 'eve' }, { status: '5xx' }]) {
      assert.deepEqual(chosen(all, filter), [], JSON.stringify(filter))
    }
    assert.deepEqual(chosen(all, {}), all)
  })
})
