/**
 * Loaded by every node's html (`<script type="module" src="resources/…/editor.js">`). Node-RED runs the script in the html
 * after this one, so `Ringflow` exists when `registerType` is called.
 */
import { check, checkEach, checkTyped } from './check.js'
import { form } from './form.js'
import { migrations } from './migrations.js'
import { editor } from './node-red.js'
import { preselect } from './preselect.js'
import { translateStatuses } from './statuses.js'
import { upgrade } from './upgrade.js'

const STYLE_ID = 'ringflow-editor-style'

if (editor().$(`#${STYLE_ID}`).length === 0) {
  editor()
    .$('<link rel="stylesheet">')
    .attr('id', STYLE_ID)
    .attr('href', new URL('editor.css', import.meta.url).href)
    .appendTo('head')
}

const isOurs = (type: string): boolean => type in migrations

// Passes the node only: the event has further arguments.
editor().RED.events.on('nodes:add', (node) => upgrade(node))
editor().RED.events.on('registry:node-type-added', (type) => isOurs(type) && nameCategory(type))
translateStatuses(isOurs)

/** For a category listed in settings.js (`paletteCategories`), Node-RED looks for the heading in its own catalogue only. */
function nameCategory(type: string): void {
  const heading = editor().$('#red-ui-palette-header-telephony span')
  const name = editor().RED.nodes.getType(type)?._('palette.label.telephony')
  if (name && heading.text() === 'telephony') heading.text(name)
}

Object.assign(globalThis, { Ringflow: { check, checkEach, checkTyped, form, preselect } })
