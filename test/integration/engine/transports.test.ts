/** Whole calls, with sound, over each protocol and IP version. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Playable } from '../../../src/engine/protocol.js'
import { measureTone } from '../../support/audio.js'
import { Phone } from '../../support/phone.js'

describe('a call with sound', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringflow-transports-'))
  after(() => rmSync(folder, { recursive: true }))

  for (const protocol of ['udp', 'tcp', 'udp+tcp'] as const) {
    for (const bindAddress of ['127.0.0.1', '::1']) {
      it(`over ${protocol} at ${bindAddress}`, async () => {
        const ports = Object.fromEntries(protocol.split('+').map((name) => [name, 0]))
        const transport = { ports, bindAddress }
        const alice = await Phone.start({ folder, transport, trace: true })
        const bob = await Phone.start({ folder, transport, inbound: {} })
        const callId = await alice.dial(`sip:ringflow@${bob.address}${protocol === 'tcp' ? ';transport=tcp' : ''}`)
        await alice.event('call.answered', { callId })
        const { callId: heardBy } = await bob.event('call.answered')
        const source: Playable = { kind: 'tone', hz: [440], durationMs: 10_000 }
        void alice.call('play', { callId, mediaId: 'tone', source }).catch(() => undefined)
        await bob.event('call.media', { callId: heardBy })
        const tone = measureTone(await bob.hear(heardBy, 600), 440)
        assert.ok(tone.share > 0.9, `share ${tone.share}`)
        await bob.call('hangup', { callId: heardBy })
        const { end } = await alice.event('call.ended', { callId })
        assert.deepEqual([end.by, end.cause], ['remote', 'normal'])
        const [invite = ''] = alice.messages('out', /^INVITE/)
        assert.ok(invite.includes(`SIP/2.0/${protocol === 'tcp' ? 'TCP' : 'UDP'} ${alice.address};`))
        assert.match(invite, bindAddress === '::1' ? /^c=IN IP6 ::1\r$/m : /^c=IN IP4 127/m)
        await Promise.all([alice.close(), bob.close()])
      })
    }
  }
})
