import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { translated } from '../../../nodes/shared/editor/statuses.js'
import { repoPath } from '../../support/repo.js'
import { type Catalogue, commonCatalogue, entriesOf, TYPES } from './node-sources.js'

const CHINESE = new Map([
  ['failed', '失败'],
  ['in call', '通话中'],
  ['call', '通话'],
  ['ended', '已结束'],
  ['no answer', '无人接听'],
])
/** Node-RED's own translation fails on text such as `:`, which separates a namespace from its key. */
const inChinese = (text: string): string =>
  translated(text, (words) => {
    assert.doesNotMatch(words, /[:,;()]/)
    return CHINESE.get(words)
  })

describe('statuses in the browser', () => {
  it('are translated, and their details stay', () => {
    assert.equal(inChinese('in call'), '通话中')
    assert.equal(inChinese('failed 403'), '失败 403')
    assert.equal(inChinese('in call (2)'), '通话中 (2)')
    assert.equal(inChinese('ended: no answer, 0:12'), '已结束: 无人接听, 0:12')
  })

  it('that are not known stay as they are', () => {
    for (const text of ['', 'something else', '已注册', 'ringing: call.ringing']) assert.equal(inChinese(text), text)
  })

  it('have a translation for all words of the catalogue, in the built catalogue of each type', () => {
    const english = entriesOf(commonCatalogue('en-US').status as Catalogue)
    assert.ok(english.length > 40)
    for (const type of TYPES) {
      const file = repoPath('dist', 'nodes', type, 'locales', 'zh-CN', `${type}.json`)
      const { status, statusText } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Catalogue>
      const chinese = new Map(entriesOf(status ?? {}))
      for (const [key, text] of english) assert.equal(statusText?.[text], chinese.get(key), `${type}: ${text}`)
    }
  })

  it('have a translation for the labels of settings, which stand behind "bad settings"', () => {
    for (const type of TYPES) {
      const read = (...path: string[]) =>
        JSON.parse(readFileSync(repoPath(...path), 'utf8')) as Record<string, Catalogue>
      const { label: english } = read('nodes', type, 'locales', 'en-US', `${type}.json`)
      const { label, statusText } = read('dist', 'nodes', type, 'locales', 'zh-CN', `${type}.json`)
      for (const [key, text] of entriesOf(english ?? {})) {
        assert.equal(statusText?.[text], entriesOf(label ?? {}).find(([each]) => each === key)?.[1], `${type}: ${text}`)
      }
    }
  })

  it('have no character in their words at which a key or a text would be cut', () => {
    for (const [key, text] of entriesOf(commonCatalogue('en-US').status as Catalogue)) {
      assert.doesNotMatch(text, /[.:,;()]/, key)
    }
  })
})
