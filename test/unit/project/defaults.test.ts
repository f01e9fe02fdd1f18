/** What a user gets who changes nothing, value by value: forms, command line and examples must not drift apart. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { defaults as account } from '../../../nodes/sip-account/config.js'
import { defaults as dial } from '../../../nodes/sip-dial/config.js'
import { defaults as gather } from '../../../nodes/sip-gather/config.js'
import { defaults as incoming } from '../../../nodes/sip-incoming/config.js'
import { defaults as transport } from '../../../nodes/sip-transport/config.js'
import { accountFrom } from '../../../src/cli/account-options.js'
import { parseOptions } from '../../../src/cli/options.js'
import { repoPath } from '../../support/repo.js'

describe('defaults', () => {
  const typed = accountFrom(parseOptions({}, [], {}), '1', { register: false })

  it('a call rings for 30 s, an alarm call for 25 s: carriers’ voicemail picks up at 20 to 30 s', () => {
    assert.deepEqual([account.ringTimeout, typed.ringTimeoutMs, dial.ringTimeout], ['30', 30_000, ''])
    const alarm = readFileSync(repoPath('examples', 'Alarm - ring until acknowledged.json'), 'utf8')
    const nodes = JSON.parse(alarm) as { type: string; ringTimeout?: string }[]
    assert.deepEqual(
      nodes.flatMap(({ type, ringTimeout }) => (type === 'sip-dial' ? [ringTimeout] : [])),
      ['25'],
    )
  })

  it('a REGISTER asks for 600 s', () => assert.deepEqual([account.expires, typed.expiresSec], ['600', 600]))

  it('PCMA and PCMU are on', () => {
    assert.deepEqual(account.codecs, ['PCMA', 'PCMU'])
    assert.deepEqual(typed.codecs, ['PCMA', 'PCMU'])
  })

  it('a key sounds for 160 ms', () => assert.deepEqual([account.dtmfTone, typed.dtmfToneMs], ['160', 160]))

  it('20 s without sound end a call', () =>
    assert.deepEqual([account.mediaTimeout, typed.mediaTimeoutMs], ['20', 20_000]))

  it('a call that nobody takes care of ends after ten minutes in a flow, never on the command line', () =>
    assert.deepEqual([account.abandonedAfter, typed.abandonedAfterMs], ['600', undefined]))

  it('nobody unknown gets in or an answer, and nobody rings an emergency number by accident', () => {
    assert.deepEqual([account.inboundFrom, account.strangers], ['known', 'silence'])
    assert.deepEqual([account.allowEmergency, typed.allowEmergency], [false, false])
    assert.equal(typed.inboundFrom, 'known')
    assert.deepEqual([account.maxCalls, typed.maxCalls], ['10', 10])
  })

  it('the flow decides about inbound calls; a refusal says busy', () => {
    assert.deepEqual([incoming.mode, incoming.sendRinging, incoming.rejectStatus], ['flow', true, '486'])
    assert.ok(Number(incoming.decide) > 0 && Number(incoming.decide) < Number(account.ringTimeout))
  })

  it('digits stop a prompt, and those pressed before count', () =>
    assert.deepEqual([gather.bargeIn, gather.clearBuffer], [true, false]))

  it('calls whose flow is gone end; redirections are followed', () => {
    assert.deepEqual([account.orphanedCalls, typed.orphanedCalls, account.redirects], ['hangup', 'hangup', 'follow'])
  })

  it('SIP is UDP at 5060, at the address that reaches the registrar', () =>
    assert.deepEqual(
      [transport.udpPort, transport.tcpPort, transport.tlsPort, transport.wsPort, transport.wssPort],
      ['5060', '', '', '', ''],
    ))

  it('certificates of servers are checked by name, and pages of other hosts may not connect', () =>
    assert.deepEqual([transport.tlsVerify, transport.tlsWildcards, transport.wsOrigins], ['name', false, '']))
})
