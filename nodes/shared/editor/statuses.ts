/**
 * Shows statuses in the browser's language. The runtime always sends English, sometimes with a detail after the words: "failed 403".
 * The build adds the English words and their translations to each catalogue, under `statusText`.
 */
import { type EditorNode, editor } from './node-red.js'

/** Returns the translation of the English words, if there is one. */
type Lookup = (words: string) => string | undefined

/** Call this once. `isOurs` is needed because Node-RED reports the statuses of all nodes. */
export function translateStatuses(isOurs: (type: string) => boolean): void {
  const { RED } = editor()
  RED.comms.subscribe('status/#', (topic, status) => {
    const node = RED.nodes.node(topic.split('/')[1])
    if (!node || !isOurs(node.type) || typeof status.text !== 'string') return
    status.text = translated(status.text, lookupOf(node))
    // If this pack was installed while the page was open, Node-RED has drawn the status already.
    if (node.status === status) RED.view.redrawStatus(node)
  })
}

/** Translates the longest known words at the beginning of each part. Details such as numbers stay. */
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
