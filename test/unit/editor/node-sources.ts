/** The forms, catalogues and help as they lie in the source, and what a form registers when the editor runs its script. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { runInNewContext } from 'node:vm'
import { check, checkEach, checkTyped, type Validator } from '../../../nodes/shared/editor/check.js'
import type { EditorNode } from '../../../nodes/shared/editor/node-red.js'
import { repoPath } from '../../support/repo.js'

export const LANGUAGES = ['en-US', 'zh-CN'] as const
export type Language = (typeof LANGUAGES)[number]

export const TYPES = readdirSync(repoPath('nodes')).filter((name) => name.startsWith('sip-'))

const read = (...parts: string[]): string => readFileSync(repoPath(...parts), 'utf8')

export const formOf = (type: string): string => read('nodes', type, `${type}.html`)
export const helpOf = (type: string, lang: Language): string => read('nodes', type, 'locales', lang, `${type}.html`)

export interface Catalogue {
  [key: string]: string | Catalogue
}

const catalogueFile = (...parts: string[]): Catalogue => {
  const path = repoPath('nodes', ...parts)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Catalogue) : {}
}

export const commonCatalogue = (lang: Language): Catalogue => catalogueFile('shared', 'locales', lang, 'common.json')
export const ownCatalogue = (type: string, lang: Language): Catalogue =>
  catalogueFile(type, 'locales', lang, `${type}.json`)

/** Dotted keys and their texts. */
export function entriesOf(catalogue: Catalogue, prefix = ''): [key: string, text: string][] {
  return Object.entries(catalogue).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[`${prefix}${key}`, value]] : entriesOf(value, `${prefix}${key}.`),
  )
}

/** What a node's form can say: the common texts and its own, as the build merges them. */
export const textsOf = (type: string, lang: Language): Map<string, string> =>
  new Map([...entriesOf(commonCatalogue(lang)), ...entriesOf(ownCatalogue(type, lang))])

export interface Property {
  value: unknown
  type?: string
  required?: boolean
  label?: string
  validate?: Validator
}

export interface Definition {
  category: string
  color: string
  icon: string
  inputs?: number
  outputs?: number
  defaults: Record<string, Property>
  credentials?: Record<string, { type: string }>
  label(this: EditorNode): string
  paletteLabel(this: EditorNode): string
  inputLabels?(this: EditorNode, index: number): string
  outputLabels?(this: EditorNode, index: number): string
}

/** Runs the form's script the way the editor does, after editor.js has put `Ringflow` on the page. */
export function registered(type: string): { type: string; definition: Definition } {
  const script = /<script type="text\/javascript">([\s\S]*?)<\/script>/.exec(formOf(type))?.[1] ?? ''
  const found: { type: string; definition: Definition }[] = []
  const RED = {
    nodes: { registerType: (name: string, definition: Definition) => found.push({ type: name, definition }) },
    _: (key: string) => key,
  }
  runInNewContext(script, { RED, Ringflow: { check, checkEach, checkTyped } }, { filename: `${type}.html` })
  const [only] = found
  if (!only || found.length > 1) throw new Error(`${type}.html registers ${found.length} types`)
  return only
}

export async function runtimeDefaults(type: string): Promise<Record<string, unknown>> {
  const file = pathToFileURL(repoPath('dist', 'nodes', type, 'config.js')).href
  return ((await import(file)) as { defaults: Record<string, unknown> }).defaults
}

/** A node as the editor hands it to validators and labels, in English. */
export function editorNode(type: string, properties: Record<string, unknown> = {}): EditorNode {
  const { definition } = registered(type)
  const texts = textsOf(type, 'en-US')
  const translate = (key: string, values: Record<string, string | number> = {}) =>
    (texts.get(key) ?? key).replace(/__(\w+)__/g, (_, name: string) => String(values[name]))
  const settings = Object.fromEntries(Object.entries(definition.defaults).map(([name, { value }]) => [name, value]))
  return { id: 'n1', ...settings, ...properties, _: translate, _def: { _: translate } }
}
