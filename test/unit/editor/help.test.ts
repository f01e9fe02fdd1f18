import assert from 'node:assert/strict'
import { helpOf, LANGUAGES, registered, TYPES } from './node-sources.js'

/** In Chinese as the help of Node-RED's own nodes has them. */
const SECTIONS: Record<string, readonly string[]> = {
  'en-US': ['Inputs', 'Outputs', 'Details', 'References'],
  'zh-CN': ['输入', '输出', '详细', '参考'],
}
/** Node-RED's editor (descriptionList, description) shows only the text behind the last colon. */
const PROPERTY = /^:([^:\n]+)\(([^:\n]+)\) :([^:\n]*)$/

describe('help', () => {
  for (const type of TYPES) {
    for (const lang of LANGUAGES) {
      describe(`${type} ${lang}`, () => {
        const source = helpOf(type, lang)
        const lines = source.split('\n')
        const { definition } = registered(type)
        const [inputs, outputs, details, references] = SECTIONS[lang] ?? []

        it('is the help of this type, and begins with one sentence for the palette', () => {
          assert.equal(lines[0], `<script type="text/markdown" data-help-name="${type}">`)
          assert.match(lines[1] ?? '', /^\S.{10,120}[.。]$/u)
          assert.equal(lines[2], '')
        })

        it('has the sections that matter, in their order', () => {
          const sections = lines.filter((line) => line.startsWith('### ')).map((line) => line.slice(4))
          const ports = [definition.inputs ? [inputs] : [], definition.outputs ? [outputs] : []].flat()
          assert.deepEqual(sections, [...ports, details, references])
        })

        it('names every output', () => {
          const section = source.split(`### ${outputs}`)[1]?.split('###')[0] ?? ''
          const ports = section.match(/^\d+\. .+$/gm) ?? []
          const count = definition.outputs ?? 0
          assert.deepEqual(
            ports.map((port) => Number.parseInt(port, 10)),
            count > 1 ? Array.from({ length: count }, (_, index) => index + 1) : [],
          )
        })

        it('describes properties in a form that the editor understands', () => {
          const properties = lines.filter((line) => line.startsWith(':'))
          if (definition.category !== 'config') assert.ok(properties.length > 0)
          for (const line of properties) assert.match(line, PROPERTY)
        })
      })
    }

    it(`${type}: both languages describe the same properties and errors`, () => {
      const [english, chinese] = LANGUAGES.map((lang) => facts(helpOf(type, lang)))
      assert.deepEqual(chinese, english)
    })
  }
})

const facts = (help: string) => ({
  properties: (help.match(/^: [\w.]+ \(\w+\)/gm) ?? []).sort(),
  errors: (help.match(/`[A-Z]+(_[A-Z]+)+`/g) ?? []).sort(),
  events: (help.match(/`(call|registration|engine)\.[a-z-]+`/g) ?? []).sort(),
  links: (help.match(/https:[^)]+/g) ?? []).sort(),
})
