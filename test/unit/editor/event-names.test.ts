import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { CallEventType } from '../../../src/call/call-event.js'
import type { EngineEvents, RegistrationState } from '../../../src/engine/protocol.js'
import { repoPath } from '../../support/repo.js'
import { formOf, helpOf, LANGUAGES } from './node-sources.js'

/** Complete, or it does not compile: a new event has to be added here, to the form and to the help. */
const CALL = {
  'call.incoming': true,
  'call.trying': true,
  'call.ringing': true,
  'call.early': true,
  'call.answered': true,
  'call.media': true,
  'call.media-trouble': true,
  'call.digit': true,
  'call.held': true,
  'call.resumed': true,
  'call.codec-changed': true,
  'call.transfer-progress': true,
  'call.transfer-request': true,
  'call.transferred': true,
  'call.transfer-failed': true,
  'call.replaced': true,
  'call.idle': true,
  'call.play-ended': true,
  'call.record-ended': true,
  'call.ended': true,
} satisfies Record<CallEventType, true>

const REGISTRATION = {
  registering: true,
  registered: true,
  failed: true,
  unregistering: true,
  idle: true,
} satisfies Record<RegistrationState['state'], true>

const ENGINE = { up: true, failed: true } satisfies Record<EngineEvents['engine']['state'], true>

const ALL = [
  ...Object.keys(CALL),
  ...Object.keys(REGISTRATION).map((state) => `registration.${state}`),
  ...Object.keys(ENGINE).map((state) => `engine.${state}`),
].toSorted()

const namesIn = (text: string, quote: string): string[] =>
  [
    ...new Set(
      [...text.matchAll(new RegExp(`${quote}((?:call|registration|engine)\\.[\\w-]+)${quote}`, 'g'))].map(
        ([, name]) => name ?? '',
      ),
    ),
  ]
    .filter((name) => name !== 'call.id')
    .toSorted()

describe('sip-event', () => {
  it('offers every event that there is', () => {
    assert.deepEqual(namesIn(formOf('sip-event'), "'"), ALL)
  })

  it('stands in the reference of messages, event by event', () => {
    const text = readFileSync(repoPath('docs', 'reference', 'messages.md'), 'utf8')
    assert.deepEqual(namesIn(text, '`'), ALL)
  })

  for (const lang of LANGUAGES) {
    it(`explains every event: ${lang}`, () => assert.deepEqual(namesIn(helpOf('sip-event', lang), '`'), ALL))
  }
})
