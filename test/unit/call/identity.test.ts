import assert from 'node:assert/strict'
import fc from 'fast-check'
import { alertOf } from '../../../src/call/alert.js'
import { placeCall } from '../../../src/call/call.js'
import { type DiversionReason, diversionHeaders, identityOf, presentationOf } from '../../../src/call/identity.js'
import { request, sdpBody } from '../../support/fake-user-agent.js'
import { uriOf } from '../../support/uri.js'
import { account, dialled, flowRule, incoming, peerSdp, World } from './call-fixture.js'

const known = { isKnown: () => true }
const trusting = () => {
  const world = new World()
  world.deps.trust = known
  return world
}

describe('identity of a caller', () => {
  const headers = {
    'P-Asserted-Identity': '"Bob" <sip:bob@example.com>, <tel:+4930123>',
    Privacy: 'id;Critical',
    Diversion: '<sip:1000@example.com>;reason=user-busy, "x, y" <sip:2000@example.com>;reason="no-answer";counter=1',
    'History-Info':
      '<sip:2000@example.com?Reason=SIP%3Bcause%3D486%3Btext%3D%22Busy%22>;index=1, <sip:1000@example.com;cause=302>;index=1.1;rc=1, <sip:me@x>;index=1.2',
  }

  it('is read from what a known peer asserts', () => {
    const { call, events } = incoming({ world: trusting(), headers })
    const expected = {
      asserted: ['sip:bob@example.com', 'tel:+4930123'],
      privacy: ['id', 'critical'],
      diversion: [
        { uri: 'sip:1000@example.com', reason: 'user-busy' },
        { uri: 'sip:2000@example.com', reason: 'no-answer' },
      ],
      history: [
        { uri: 'sip:2000@example.com', index: '1', cause: 486 },
        { uri: 'sip:1000@example.com;cause=302', index: '1.1', cause: 302 },
        { uri: 'sip:me@x', index: '1.2', cause: null },
      ],
    }
    assert.deepEqual(call.snapshot().identity, expected)
    assert.deepEqual(events[0]?.call.identity, expected)
  })

  it('is not believed from a stranger (RFC 3325 5)', () => {
    const world = new World()
    world.deps.trust = { isKnown: (address) => address !== '192.0.2.9' }
    const { call } = incoming({ world, headers: { ...headers, 'Alert-Info': '<urn:x>' } })
    assert.deepEqual([call.snapshot().identity, call.snapshot().alert], [null, null])
    assert.equal(incoming({ headers }).call.snapshot().identity, null, 'nor without any trust')
  })

  it('of the called party comes with its answer', async () => {
    const world = trusting()
    const target = { uri: uriOf('sip:bob@example.com'), user: 'bob' }
    const call = await placeCall(world.deps, { account, owner: null, target, ringTimeoutMs: 30_000 })
    world.userAgent.invite0.answer(sdpBody(peerSdp()), { 'P-Asserted-Identity': '<sip:carol@example.com>' })
    assert.deepEqual(call.snapshot().identity?.asserted, ['sip:carol@example.com'])
  })

  it('hostile headers are refused or shortened, and never throw', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.constantFrom(
        '<',
        '>;',
        ',,,',
        '"',
        '<sip:a@b>;index=',
        '<sip:a@b?Reason=SIP%3Bcause%3D9999>',
        `<sip:${'a'.repeat(9000)}@b>`,
      ),
      fc
        .array(fc.constantFrom('<sip:a@b>', ';', ',', '"', 'reason=', '?', '%', '\r\n', 'tel:+1', ' '), {
          maxLength: 60,
        })
        .map((parts) => parts.join('')),
    )
    const names = [
      'P-Asserted-Identity',
      'Privacy',
      'Diversion',
      'History-Info',
      'Alert-Info',
      'Call-Info',
      'Answer-Mode',
    ]
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), hostile), (fields) => {
        const message = request('INVITE', { headers: fields })
        const identity = identityOf(message)
        const { asserted = [], privacy = [], diversion = [], history = [] } = identity ?? {}
        for (const list of [asserted, privacy, diversion, history]) assert.ok(list.length <= 10)
        const texts = [...asserted, ...privacy, ...diversion.flatMap(Object.values), ...history.map(({ uri }) => uri)]
        assert.ok(texts.every((text) => String(text).length <= 256))
        assert.ok((alertOf(message)?.alert.info.length ?? 0) <= 256)
      }),
    )
  })
})

describe('the caller of a call that we place', () => {
  const own = { uri: 'sip:alice@example.com', user: 'alice' }
  const callerId = { uri: 'sip:+4930999@example.com', user: '+4930999' }
  const of = (init: Partial<Parameters<typeof presentationOf>[0]>) =>
    presentationOf({ own, callerId: undefined, hidden: false, by: 'from', ...init })

  it('is the account, unless a caller ID is given: then it is where the account says', () => {
    assert.deepEqual(of({}), { headers: [] })
    assert.deepEqual(of({ callerId }), { from: callerId.uri, headers: [] })
    assert.deepEqual(of({ callerId, by: 'pai' }), { headers: [['P-Asserted-Identity', `<${callerId.uri}>`]] })
    assert.deepEqual(of({ callerId, by: 'ppi' }), { headers: [['P-Preferred-Identity', `<${callerId.uri}>`]] })
  })

  it('is anonymous if it is hidden, and known to the network only (RFC 3323 4.1.1.3, RFC 3325 9.3)', () => {
    const from = { from: 'sip:anonymous@anonymous.invalid', fromDisplayName: 'Anonymous' }
    assert.deepEqual(of({ hidden: true }), {
      ...from,
      headers: [
        ['P-Preferred-Identity', `<${own.uri}>`],
        ['Privacy', 'id'],
      ],
    })
    assert.deepEqual(of({ hidden: true, callerId, by: 'pai' }).headers[0], ['P-Asserted-Identity', `<${callerId.uri}>`])
  })

  it('hides a caller name as well', async () => {
    const { deps, userAgent } = new World()
    const target = { uri: uriOf('sip:bob@example.com'), user: 'bob' }
    await placeCall(deps, { account, owner: null, target, ringTimeoutMs: 1, callerName: 'Alice', hideCallerId: true })
    const { from, fromDisplayName } = userAgent.invite0.init
    assert.deepEqual([String(from), fromDisplayName], ['sip:anonymous@anonymous.invalid', 'Anonymous'])
  })

  it('names the targets that it was diverted from, in both headers (RFC 5806, RFC 7544)', () => {
    const diverted = [
      { uri: 'sip:2@x', reason: 'no-answer' },
      { uri: 'sip:1@x', reason: 'unconditional' },
    ] as const
    assert.deepEqual(diversionHeaders(diverted, 'sip:3@x'), [
      ['Diversion', '<sip:2@x>;reason=no-answer, <sip:1@x>;reason=unconditional'],
      ['History-Info', '<sip:1@x>;index=1, <sip:2@x;cause=302>;index=1.1, <sip:3@x;cause=408>;index=1.1.1'],
    ])
    assert.deepEqual(diversionHeaders([], 'sip:3@x'), [])
    const wrong = [{ uri: 'sip:1@x', reason: 'why\r\nX: 1' as DiversionReason }]
    assert.throws(() => diversionHeaders(wrong, 'sip:3@x'), { code: 'BAD_ARGUMENT' })
    const read = identityOf(request('INVITE', { headers: Object.fromEntries(diversionHeaders(diverted, 'sip:3@x')) }))
    assert.deepEqual(
      read?.history.map(({ cause }) => cause),
      [null, 302, 408],
    )
  })
})

describe('automatic answer', () => {
  const asks: Record<string, string>[] = [
    { 'Call-Info': '<sip:pbx>; answer-after=0' },
    { 'Call-Info': '<http://x/photo>;purpose=icon, <sip:pbx>;answer-after="0"' },
    { 'Alert-Info': '<http://127.0.0.1>;info=alert-autoanswer;delay=0' },
    { 'Alert-Info': 'Ring Answer' },
    { 'Alert-Info': 'info=Auto Answer' },
    { 'Answer-Mode': 'Auto' },
    { 'Priv-Answer-Mode': ' auto;require' },
  ]
  for (const headers of asks)
    it(`is asked for by ${JSON.stringify(headers)}`, () => {
      assert.equal(alertOf(request('INVITE', { headers }))?.alert.autoAnswer, true)
    })

  for (const headers of [
    {},
    { 'Call-Info': '<sip:answer-after=0@x>' },
    { 'Call-Info': '<sip:pbx>;purpose=info' },
    { 'Alert-Info': '<urn:alert:source:external>' },
    { 'Answer-Mode': 'Manual' },
    { 'Answer-Mode': 'automatic' },
  ] as Record<string, string>[])
    it(`is not asked for by ${JSON.stringify(headers)}`, () => {
      assert.equal(alertOf(request('INVITE', { headers }))?.alert.autoAnswer ?? false, false)
    })

  const rule = { ...flowRule, sendRinging: true, autoAnswer: true } as const
  const intercom = { 'Call-Info': '<sip:pbx>;answer-after=0' }

  it('is given to a known peer if the rule says so', async () => {
    const scene = incoming({ world: trusting(), rule, headers: intercom })
    await new Promise(setImmediate)
    assert.deepEqual(scene.types, ['call.incoming', 'call.answered'])
    assert.deepEqual(scene.call.snapshot().alert, { info: '', autoAnswer: true })
    assert.equal(scene.invite.accepts.length, 1)
  })

  it('waits as long as the caller asks, rings meanwhile, and the time to decide does not end the call', async () => {
    const scene = incoming({ world: trusting(), rule, headers: { 'Call-Info': '<sip:pbx>;answer-after=12' } })
    assert.deepEqual(scene.invite.progresses, [180])
    scene.clock.advance(12_000)
    await new Promise(setImmediate)
    scene.clock.advance(60_000)
    await new Promise(setImmediate)
    assert.equal(scene.call.snapshot().state, 'answered')
  })

  for (const [what, world, how, headers] of [
    ['a stranger', new World(), rule, intercom],
    ['a call that does not ask', trusting(), rule, {}],
    ['a rule without it', trusting(), { ...rule, autoAnswer: false }, intercom],
  ] as const)
    it(`is not given to ${what}`, async () => {
      const scene = incoming({ world, rule: how, headers })
      await new Promise(setImmediate)
      assert.deepEqual(scene.types, ['call.incoming', 'call.ringing'])
      scene.clock.advance(10_000)
      assert.equal((await scene.call.ended).sipCode, 480)
    })

  for (const [what, world, how, header] of [
    ['a stranger', new World(), rule, 'Answer-Mode'],
    ['a rule without it', trusting(), { ...rule, autoAnswer: false }, 'Priv-Answer-Mode'],
  ] as const)
    it(`a caller that requires it is refused with 403: ${what}`, async () => {
      const scene = incoming({ world, rule: how, headers: { [header]: 'Auto;require' } })
      const end = await scene.call.ended
      assert.deepEqual([end.by, end.cause, end.sipCode], ['local', 'rejected', 403])
      assert.deepEqual(scene.types, ['call.ended'])
    })

  it('a caller that requires it and may have it is answered', async () => {
    const scene = incoming({ world: trusting(), rule, headers: { 'Answer-Mode': 'Auto;require' } })
    await new Promise(setImmediate)
    assert.equal(scene.call.snapshot().state, 'answered')
  })

  it('is asked for in every way that telephones know', async () => {
    const { deps, userAgent } = new World()
    const target = { uri: uriOf('sip:bob@example.com'), user: 'bob' }
    await placeCall(deps, { account, owner: null, target, ringTimeoutMs: 1, autoAnswer: true })
    const { headers = [] } = userAgent.invite0.init
    for (const [name, value] of headers) {
      assert.equal(alertOf(request('INVITE', { headers: { [name]: value } }))?.alert.autoAnswer, true, name)
    }
    assert.deepEqual(
      headers.map(([name]) => name),
      ['Call-Info', 'Alert-Info', 'Answer-Mode'],
    )
    assert.deepEqual((await dialled()).userAgent.invite0.init.headers, [])
  })
})
