import assert from 'node:assert/strict'
import { RULE_NAMES } from '../../../nodes/shared/editor/rules.js'
import { commonCatalogue, entriesOf, LANGUAGES, ownCatalogue, TYPES } from './node-sources.js'

const keysOf = (entries: [string, string][]) => entries.map(([key]) => key).toSorted()
const places = (text: string) => (text.match(/__\w+__/g) ?? []).toSorted()
const tags = (text: string) => (text.match(/<\/?\w+>/g) ?? []).toSorted()

describe('catalogues', () => {
  for (const name of ['common', ...TYPES]) {
    const read = (lang: (typeof LANGUAGES)[number]) =>
      entriesOf(name === 'common' ? commonCatalogue(lang) : ownCatalogue(name, lang))

    it(`${name}: both languages say the same things`, () => {
      const [english, chinese] = [read('en-US'), read('zh-CN')]
      assert.ok(english.length > 1)
      assert.deepEqual(keysOf(chinese), keysOf(english))
      const inChinese = new Map(chinese)
      for (const [key, text] of english) {
        const other = inChinese.get(key) ?? ''
        assert.notEqual(text.trim(), '', key)
        assert.notEqual(other.trim(), '', key)
        assert.deepEqual(places(other), places(text), key)
        if (name !== 'common' && key.startsWith('hint.')) assert.equal(tags(other).length % 2, 0, key)
      }
    })

    it(`${name}: Chinese is written in Chinese`, () => {
      const untranslated = read('zh-CN').filter(([key, text]) => !/\p{Script=Han}/u.test(text) && !isTechnical(key))
      assert.deepEqual(untranslated, [])
    })
  }

  it('know a sentence for every rule of the forms', () => {
    const wanted = [...RULE_NAMES, 'missing', 'above', 'notBelow'].map((rule) => `invalid.${rule}`).toSorted()
    for (const lang of LANGUAGES) {
      const keys = keysOf(entriesOf(commonCatalogue(lang)))
      assert.deepEqual(
        keys.filter((key) => key.startsWith('invalid.')),
        wanted,
      )
    }
  })
})

/** Names of protocols, units and examples are the same everywhere. */
const isTechnical = (key: string): boolean =>
  /^(placeholder\.|unit\.dbfs|label\.userAgent|option\.protocol\.(udp|tcp|ws)$|label\.rtp)/.test(key)
