/** Validators for `defaults`. Node-RED calls them with the node as `this`; they return true, or a text that says what is wrong. */
import { type EditorNode, editor } from './node-red.js'
import { problemOf, type RuleName, type RuleOptions } from './rules.js'

export type Validator = (this: EditorNode, value: unknown, options?: unknown) => true | string

/** The property is checked only while the other properties have these values; `a|b` allows both. */
export type When = Record<string, string | boolean>

/** The value in the open edit dialog, or the node's value if no dialog is open. */
export function liveValue(node: EditorNode, property: string): unknown {
  const { $, RED } = editor()
  const isEdited = RED.editor.getEditStack().at(-1)?.id === node.id
  for (const prefix of isEdited ? ['node-input', 'node-config-input'] : []) {
    const input = $(`#${prefix}-${property}`)
    if (input.length > 0) return input.is('[type=checkbox]') ? input.prop('checked') : input.val()
  }
  return node[property]
}

export const matters = (node: EditorNode, when: When = {}): boolean =>
  Object.entries(when).every(([property, value]) =>
    String(value)
      .split('|')
      .includes(String(liveValue(node, property))),
  )

type Conditions = RuleOptions & { when?: When }

/** Names the property that this number has to be greater than, or must not be less than. */
type Range = { above?: string; notBelow?: string }

/** Node-RED accepts a text as the reason only from a function that declares two parameters. */
export function check(property: string, rule: RuleName, options: Conditions & Range = {}): Validator {
  return function (value, _options) {
    if (!matters(this, options.when)) return true
    const found = sentence(this, property, value, rule, options)
    return found === true ? rangeSentence(this, property, value, options) : found
  }
}

/** For a property with a `…Type` property: one rule per type; Node-RED checks the other types. */
export function checkTyped(
  property: string,
  rules: Partial<Record<string, RuleName>>,
  options: Conditions = {},
): Validator {
  return function (value, _options) {
    if (!matters(this, options.when)) return true
    const type = String(liveValue(this, `${property}Type`))
    const rule = rules[type]
    if (rule) return sentence(this, property, value, rule, options)
    if (value === '') return type === 'str' && options.blank ? true : sentence(this, property, '', 'text', {})
    const valid = editor().RED.utils.validateTypedProperty(value, type, { label: label(this, property) })
    return valid === true ? true : String(valid)
  }
}

export function checkEach(property: string, rule: RuleName, options: { atLeast?: number } = {}): Validator {
  return function (value, _options) {
    const entries = Array.isArray(value) ? value : []
    if (entries.length < (options.atLeast ?? 0)) return sentence(this, property, '', rule, {})
    for (const entry of entries) {
      const found = sentence(this, property, entry, rule, {})
      if (found !== true) return found
    }
    return true
  }
}

function sentence(
  node: EditorNode,
  property: string,
  value: unknown,
  rule: RuleName,
  options: RuleOptions,
): true | string {
  const problem = problemOf(value, rule, options)
  return problem ? `${label(node, property)}: ${node._def._(problem.key, problem.values)}` : true
}

function rangeSentence(node: EditorNode, property: string, value: unknown, { above, notBelow }: Range): true | string {
  const other = above ?? notBelow
  if (other === undefined) return true
  const [upper, lower] = [Number(value), Number(liveValue(node, other))]
  if (Number.isNaN(upper) || Number.isNaN(lower) || upper > lower || (notBelow && upper === lower)) return true
  const key = notBelow ? 'invalid.notBelow' : 'invalid.above'
  return `${label(node, property)}: ${node._def._(key, { other: label(node, other) })}`
}

const label = (node: EditorNode, property: string): string => node._def._(`label.${property}`)
