/** Parts that the edit dialogs share: rows that are shown only if they apply, typed inputs, lists. */
import { mediaFileList } from './media-files.js'
import { type EditorNode, type Elements, editor } from './node-red.js'
import { likely } from './preselect.js'
import { problemOf, type RuleName } from './rules.js'

const PREFIX = { node: 'node-input', config: 'node-config-input' } as const

/** A tick box beside each text of a list. */
interface Mark {
  property: string
  ending: string
}

export interface Form {
  /** A typed input whose type is kept in `<property>Type`. */
  typed(property: string, types: string[]): Form
  /** Lists the available WAV files below the typed input of this property; a click chooses one. */
  mediaFiles(property: string): Form
  /** Replaces "none" in the list of configuration nodes by the catalogue text with this key. */
  without(property: string, key: string): Form
  /** Presets the property of a new configuration node with an existing configuration node. */
  preselect(property: string): Form
  /** Tick boxes in an order that the user changes by dragging. The returned function reads them. */
  ordered(selector: string, all: readonly string[], chosen: readonly string[]): () => string[]
  /** Tick boxes in groups. The returned function reads them. */
  choices(selector: string, groups: Record<string, readonly string[]>, chosen: readonly string[]): () => string[]
  /**
   * One text per line, in order. The returned function reads them. `mark`: an ending that a tick box adds to its text; `tick.<property>` in
   * the catalogue is the label, `tip.<property>` explains it.
   */
  texts(selector: string, rule: RuleName, placeholder: string, texts: readonly string[], mark?: Mark): () => string[]
}

/** Call this first in `oneditprepare`: it also shows and hides the rows with `data-when`. */
export function form(node: EditorNode, kind: keyof typeof PREFIX = 'node'): Form {
  const prefix = PREFIX[kind]
  showRows(prefix)
  const self: Form = {
    typed(property, types) {
      const input = editor().$(`#${prefix}-${property}`)
      input.typedInput({ default: types[0], types, typeField: `#${prefix}-${property}Type` })
      return self
    },
    mediaFiles(property) {
      const input = editor().$(`#${prefix}-${property}`)
      mediaFileList(node, `#${prefix}-${property}-list`, (name) => {
        input.typedInput('type', 'str').typedInput('value', name)
      })
      return self
    },
    without(property, key) {
      nameNone(editor().$(`#${prefix}-${property}`), node._def._(key))
      return self
    },
    preselect(property) {
      const isNew = !editor().RED.nodes.node(node.id)
      const found = isNew && likely(node, node._def.defaults?.[property]?.type ?? '')
      if (found) editor().$(`#${prefix}-${property}`).val(found.id).trigger('change')
      return self
    },
    ordered: (selector, all, chosen) => orderedList(selector, all, chosen),
    choices: (selector, groups, chosen) => choiceGrid(node, selector, groups, chosen),
    texts: (selector, rule, placeholder, texts, mark) => textList(node, selector, { rule, placeholder, mark }, texts),
  }
  return self
}

/** Node-RED fills the list again when a configuration node was added or edited, and then triggers `change`. */
function nameNone(select: Elements, words: string): void {
  const update = () => select.find('option[value="_ADD_"]').text(words)
  select.on('change', update)
  update()
}

/** `data-when="action:play source:tone"`: the row is shown while the fields have these values, `true` or `false` for tick boxes. */
function showRows(prefix: string): void {
  const { $ } = editor()
  $(`.ringflow-form [data-when]`).each(function () {
    const row = $(this)
    const conditions = String((row.data('when') as string | undefined) ?? '')
      .split(' ')
      .map((condition) => condition.split(':') as [string, string])
    const fields = conditions.map(([property]) => $(`#${prefix}-${property}`))
    const update = () =>
      row.toggle(conditions.every(([, wanted], i) => wanted.split('|').includes(fieldValue(fields[i] as Elements))))
    for (const field of fields) field.on('change', update)
    update()
  })
}

const fieldValue = (field: Elements): string =>
  String(field.is('[type=checkbox]') ? field.prop('checked') : field.val())

function orderedList(selector: string, all: readonly string[], chosen: readonly string[]): () => string[] {
  const { $ } = editor()
  const list = $(selector)
  list.editableList({
    addButton: false,
    sortable: true,
    removable: false,
    height: 'auto',
    addItem(row: Elements, _index: number, item: { name: string; on: boolean }) {
      const label = $('<label class="ringflow-tick">').appendTo(row)
      $('<input type="checkbox">').prop('checked', item.on).appendTo(label)
      $('<span>').text(item.name).appendTo(label)
      row.data('name', item.name)
    },
  })
  for (const name of chosen) list.editableList('addItem', { name, on: true })
  for (const name of all) if (!chosen.includes(name)) list.editableList('addItem', { name, on: false })
  return () => {
    const names: string[] = []
    list.editableList('items').each(function () {
      const row = $(this)
      if (row.find('input').prop('checked')) names.push(String(row.data('name')))
    })
    return names
  }
}

function choiceGrid(
  node: EditorNode,
  selector: string,
  groups: Record<string, readonly string[]>,
  chosen: readonly string[],
): () => string[] {
  const { $ } = editor()
  const boxes = new Map<string, Elements>()
  for (const [group, names] of Object.entries(groups)) {
    $('<div class="ringflow-choices-title">')
      .text(node._def._(`group.${group}`))
      .appendTo(selector)
    const grid = $('<div class="ringflow-choices">').appendTo(selector)
    for (const name of names) {
      const label = $('<label class="ringflow-tick">').attr('title', name).appendTo(grid)
      boxes.set(name, $('<input type="checkbox">').prop('checked', chosen.includes(name)).appendTo(label))
      $('<span>')
        .text(node._def._(`event.${name}`))
        .appendTo(label)
    }
  }
  return () => [...boxes].filter(([, box]) => box.prop('checked')).map(([name]) => name)
}

function textList(
  node: EditorNode,
  selector: string,
  init: { rule: RuleName; placeholder: string; mark: Mark | undefined },
  texts: readonly string[],
): () => string[] {
  const { $ } = editor()
  const { rule, placeholder, mark } = init
  const ending = mark?.ending ?? ''
  const read = (row: Elements): string => {
    const text = String(row.find('input[type=text]').val()).trim()
    return text !== '' && row.find('input[type=checkbox]').prop('checked') ? text + ending : text
  }
  const list = $(selector)
  list.editableList({
    sortable: true,
    removable: true,
    height: 'auto',
    addItem(row: Elements, _index: number, item: { text?: string }) {
      const { text = '' } = item
      const isMarked = ending !== '' && text.endsWith(ending)
      const input = $('<input type="text" class="ringflow-text">').attr('placeholder', placeholder).appendTo(row)
      const update = () => input.toggleClass('input-error', problemOf(read(row), rule) !== null)
      input.val(isMarked ? text.slice(0, -ending.length) : text).on('input', update)
      if (mark) {
        const label = $('<label class="ringflow-tick">')
          .attr('title', node._def._(`tip.${mark.property}`))
          .appendTo(row)
        $('<input type="checkbox">').prop('checked', isMarked).on('change', update).appendTo(label)
        $('<span>')
          .text(node._def._(`tick.${mark.property}`))
          .appendTo(label)
      }
      if (item.text !== undefined) update()
    },
  })
  for (const text of texts) list.editableList('addItem', { text })
  return () => {
    const found: string[] = []
    list.editableList('items').each(function () {
      const text = read($(this))
      if (text !== '') found.push(text)
    })
    return found
  }
}
