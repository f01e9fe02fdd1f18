/**
 * Loaded by every node's html (`<script type="module" src="resources/…/editor.js">`): Node-RED runs the html's own script
 * only after it, so `Ringflow` is there when `registerType` is called.
 */
import { check, checkEach, checkTyped } from './check.js'
import { form } from './form.js'
import { editor } from './node-red.js'
import { translateStatuses } from './status-words.js'
import { upgrade } from './upgrade.js'

const STYLE_ID = 'ringflow-editor-style'

if (editor().$(`#${STYLE_ID}`).length === 0) {
  editor()
    .$('<link rel="stylesheet">')
    .attr('id', STYLE_ID)
    .attr('href', new URL('editor.css', import.meta.url).href)
    .appendTo('head')
}

translateStatuses()

// The event brings more than the node.
editor().RED.events.on('nodes:add', (node) => upgrade(node))

Object.assign(globalThis, { Ringflow: { check, checkEach, checkTyped, form } })
