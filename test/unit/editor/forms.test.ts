import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { repoPath } from '../../support/repo.js'
import { editorNode, formOf, LANGUAGES, registered, runtimeDefaults, TYPES, textsOf } from './node-sources.js'

/** Outputs, in the order of their labels. */
const OUTPUTS: Record<string, string[]> = {
  'sip-dial': ['answered', 'not answered', 'progress and end'],
  'sip-incoming': ['call', 'events and end'],
  'sip-answer': ['call'],
  'sip-play-media': ['done', 'interrupted or failed'],
  'sip-gather': ['digits', 'no input or failed'],
  'sip-wait': ['happened', 'time is up', 'call ended or failed'],
  'sip-dtmf': ['sent'],
  'sip-hold': ['done', 'refused or failed'],
  'sip-transfer': ['transferred', 'not transferred'],
  'sip-record': ['started', 'recorded'],
  'sip-hangup': ['ended'],
  'sip-event': ['event'],
  'sip-cdr-out': ['call detail record'],
  'sip-register': ['registration'],
  'sip-message': ['delivered, or received', 'not delivered'],
  'sip-subscribe': ['state', 'subscription'],
  'sip-options': ['up', 'down', 'each result'],
}
const WITHOUT_INPUT = ['sip-incoming', 'sip-event', 'sip-cdr-out']
/** In `defaults`, but edited by a list or by nobody. */
const WITHOUT_FIELD = ['version', 'codecs', 'hops', 'events']

describe('forms', () => {
  it('exist for 20 types', () => assert.equal(TYPES.length, 20))

  for (const type of TYPES) {
    describe(type, () => {
      const form = formOf(type)
      const { definition, type: registeredType } = registered(type)
      const isConfig = definition.category === 'config'

      it('registers its type as a literal, for tools that read the html without running it', () => {
        assert.equal(registeredType, type)
        assert.match(form, new RegExp(`RED\\.nodes\\.registerType\\('${type}', \\{\\n    category: '`))
      })

      it('has the defaults of the runtime', async () => {
        const values = Object.fromEntries(Object.entries(definition.defaults).map(([name, { value }]) => [name, value]))
        assert.deepEqual(JSON.parse(JSON.stringify(values)), await runtimeDefaults(type))
      })

      it('has an icon of 40 x 60', () => {
        const svg = readFileSync(repoPath('icons', definition.icon), 'utf8')
        assert.match(svg, /width="40" height="60" viewBox="0 0 40 60"/)
        assert.deepEqual(new Set(svg.match(/#[0-9a-f]+/gi)), new Set(['#fff']))
      })

      it('is built with what lies beside it', () => {
        for (const file of [`${type}.html`, `${type}.js`, `icons/${definition.icon}`, `locales/zh-CN/${type}.json`]) {
          assert.ok(existsSync(repoPath('dist', 'nodes', type, file)), file)
        }
      })

      it('has a field for every setting, and no other', () => {
        const prefix = isConfig ? 'node-config-input-' : 'node-input-'
        const names = [...form.matchAll(/id="([\w-]+)"/g)]
          .map(([, id]) => id ?? '')
          .filter((id) => id.startsWith(prefix) && !/-(list|choices)$/.test(id))
          .map((id) => id.slice(prefix.length))
        const settings = [...Object.keys(definition.defaults), ...Object.keys(definition.credentials ?? {})]
        assert.deepEqual(names.toSorted(), settings.filter((name) => !WITHOUT_FIELD.includes(name)).toSorted())
      })

      it('closes each of its rows', () => {
        const template = /data-template-name[^>]*>([\s\S]*?)<\/script>/.exec(form)?.[1] ?? ''
        let depth = 0
        for (const [tag] of template.matchAll(/<div class="form-row"|<\/?div\b/g)) {
          depth += tag === '</div' ? -1 : 1
          if (tag.endsWith('"form-row"')) assert.equal(depth, 2, 'a row within a row')
        }
        assert.equal(depth, 0)
      })

      it('hard-codes no words and no colours', () => {
        const template = /data-template-name[^>]*>([\s\S]*?)<\/script>/.exec(form)?.[1] ?? ''
        const words = template.replace(/<datalist[\s\S]*?<\/datalist>/g, '').replace(/<[^>]*>/g, ' ')
        assert.doesNotMatch(words, /[\p{L}\d]/u)
        assert.doesNotMatch(template, /#[0-9a-f]{3,6}\b|rgb\(|placeholder="/i)
      })

      it('says only what both catalogues know', () => {
        const keys = [
          ...[...form.matchAll(/data-i18n="(?:\[\w+\])?([^"]+)"/g)].map(([, key]) => key ?? ''),
          ...[...form.matchAll(/_\('([^'`]+?)'/g)].map(([, key]) => (key ?? '').replace(/^.*:/, '')),
          ...[...form.matchAll(/Ringflow\.check\w*\('(\w+)'/g)].map(([, name]) => `label.${name}`),
          ...[...form.matchAll(/'((?:call|registration|engine)\.[\w-]+)'/g)].map(([, name]) => `event.${name}`),
        ].filter((key) => key !== 'event.call.id')
        assert.ok(keys.length > 3)
        for (const lang of LANGUAGES) {
          const texts = textsOf(type, lang)
          assert.deepEqual(
            keys.filter((key) => !texts.has(key)),
            [],
            lang,
          )
        }
      })

      it('labels every port', () => {
        const node = editorNode(type)
        const outputs = OUTPUTS[type] ?? []
        assert.equal(definition.outputs ?? 0, outputs.length)
        assert.deepEqual(
          outputs.map((_, index) => definition.outputLabels?.call(node, index)),
          outputs,
        )
        const inputs = isConfig || WITHOUT_INPUT.includes(type) ? 0 : 1
        assert.equal(definition.inputs ?? 0, inputs)
        if (inputs > 0) assert.match(definition.inputLabels?.call(node, 0) ?? '', /^[a-z]+$/)
      })

      it('is called by its name, or else by what it does', () => {
        assert.equal(definition.label.call(editorNode(type, { name: 'Front desk' })), 'Front desk')
        const label = definition.label.call(editorNode(type))
        assert.match(label, /^[\w :*]+$/)
        assert.doesNotMatch(label, /undefined/)
        assert.match(definition.paletteLabel.call(editorNode(type)), /^[\w ]+$/)
      })
    })
  }

  it('name what they do', () => {
    const label = (type: string, properties: Record<string, unknown>) =>
      registered(type).definition.label.call(editorNode(type, properties))
    assert.equal(label('sip-dial', { target: '1002', targetType: 'str' }), 'dial 1002')
    assert.equal(label('sip-answer', { action: 'reject', rejectStatus: '603' }), 'reject 603')
    assert.equal(label('sip-play-media', { file: 'message.wav' }), 'play message.wav')
    assert.equal(label('sip-play-media', { source: 'tone', hz: '350+440' }), 'play 350+440 Hz')
    assert.equal(label('sip-play-media', { action: 'stop' }), 'stop playing')
    assert.equal(label('sip-dtmf', { digits: '1#', digitsType: 'str' }), 'send 1#')
    assert.equal(label('sip-event', { events: ['call.ended'] }), 'call.ended')
    assert.equal(label('sip-account', { aor: 'sip:alice@example.com' }), 'alice@example.com')
    assert.equal(label('sip-transport', { bindAddress: '127.0.0.1', udpPort: '5070' }), 'udp 127.0.0.1:5070')
    assert.equal(label('sip-transport', { udpPort: '', tlsPort: '5061', wssPort: '8443' }), 'tls *:5061 wss')
  })

  it('style with the colours of the editor only', () => {
    const css = readFileSync(repoPath('nodes', 'shared', 'editor', 'editor.css'), 'utf8')
    assert.doesNotMatch(css, /#[0-9a-f]{3,8}\b(?![^{]*\{)|rgb\(|hsl\(/i)
    const colours = [...css.matchAll(/(?:color|background|border[\w-]*):([^;]+);/g)].map(([, value]) => value ?? '')
    assert.ok(colours.length > 2)
    for (const value of colours) assert.match(value, /var\(--red-ui-[\w-]+\)|^ none$/)
  })
})
