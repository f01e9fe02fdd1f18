/** The runtime sends a status as `status.ended 1:23`: a key of the node's catalogue and a detail. Here it becomes words. */
import { type CommsMessage, editor, type Translate } from './node-red.js'

/** Undefined: there is no detail, and Node-RED's editor translates the key itself. */
export function statusWords(text: unknown, translate: Translate): string | undefined {
  const [, key, detail] = /^(status\.[\w.]+) (.+)$/.exec(String(text)) ?? []
  if (key === undefined || detail === undefined) return undefined
  const words = translate(key, { detail })
  return words.includes(detail) ? words : `${words} ${detail}`
}

/** Node-RED's own listener draws what is in the message; whether it runs before this one or after does not matter. */
export function translateStatuses(): void {
  const { RED } = editor()
  RED.comms.subscribe('status/#', (topic: string, message: CommsMessage) => {
    const node = RED.nodes.node(topic.split('/')[1] ?? '')
    if (!node?.type.startsWith('sip-')) return
    const words = statusWords(message.text, node._def._)
    if (words === undefined) return
    message.text = words
    if (node.status === message) RED.view.redrawStatus(node)
  })
}
