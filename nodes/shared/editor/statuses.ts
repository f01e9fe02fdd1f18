/**
 * Statuses in the browser's language. The runtime sends English, whoever reads it, and may put details behind the words: "failed 403".
 * The build puts the English words with their translation into each catalogue, under `statusText`.
 */
import { type EditorNode, editor } from './node-red.js'

/** What is known of some English words, if anything is. */
type Lookup = (words: string) => string | undefined

/** Call it once. `isOurs`: Node-RED tells the statuses of all nodes. */
export function translateStatuses(isOurs: (type: string) => boolean): void {
  const { RED } = editor()
  RED.comms.subscribe('status/#', (topic, status) => {
    const node = RED.nodes.node(topic.split('/')[1])
    if (!node || !isOurs(node.type) || typeof status.text !== 'string') return
    status.text = translated(status.text, lookupOf(node))
    // Node-RED has drawn it already where this pack was installed while the page was open.
    if (node.status === status) RED.view.redrawStatus(node)
  })
}

/** The longest known words at the beginning of each part are translated; details such as numbers stay. */
export function translated(text: string, lookup: Lookup): string {
  return text
    .split(/(\s*[,:;()]\s*)/)
    .map((part, index) => (index % 2 === 0 ? translatedPart(part, lookup) : part))
    .join('')
}

function translatedPart(part: string, lookup: Lookup): string {
  const words = part.split(' ')
  for (let count = words.length; count > 0; count--) {
    const found = lookup(words.slice(0, count).join(' '))
    if (found !== undefined) return [found, ...words.slice(count)].join(' ')
  }
  return part
}

const lookupOf =
  (node: EditorNode): Lookup =>
  (words) => {
    const key = `statusText.${words}`
    const text = node._def._(key)
    return text === key ? undefined : text
  }
