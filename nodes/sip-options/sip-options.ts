import type { PingResult } from '../../src/engine/protocol.js'
import { defineNode } from '../shared/define-node.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import type { Message, RED } from '../shared/red.js'
import { number, secondsAsMs } from '../shared/settings.js'
import { telephony } from '../shared/telephony.js'
import { line } from '../shared/typed-input.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Pings a SIP server or telephone by OPTIONS, at intervals and for each incoming message.
 *
 * Output 1, up, and output 2, down: a new message when the state changes, and when it is known for the first time. Output 3: each result; of a
 * ping by message, the incoming message. `payload` is true or false, `ping` has latency, status and the address that answered.
 * Errors: BAD_TARGET, BAD_ARGUMENT, NO_ACCOUNT. A target that does not answer is not an error.
 */
export default function sipOptions(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-options',
    defaults,
    migrations,
    open(node) {
      node.account()
      const { id, accountId, config } = node
      const command = { accountId, target: line('target', config.target), timeoutMs: limitOf(config) }
      const intervalMs = intervalOf(config)
      const failures = number('failures', config.failures, { min: 1, max: 100, integer: true })
      if (intervalMs > 0) node.standing('watchPeer', { ...command, watchId: id, intervalMs, failures, owner: id })
    },
    close({ id }) {
      telephony.tell('unwatchPeer', { watchId: id })
    },
    input,
    onOutside(node, event) {
      if (event.type !== 'peer.up' && event.type !== 'peer.down' && event.type !== 'peer.ping') return
      if (event.owner !== node.id) return
      const { type, at, result } = event
      const message = { topic: type, payload: result.up, ping: { ...result }, event: { name: type, seq: 0, at } }
      if (type === 'peer.ping') {
        showResult(node, result)
        node.send(3, message)
      } else node.send(type === 'peer.up' ? 1 : 2, message)
    },
  })
}

async function input(node: FlowNode<Config>, message: Message): Promise<Output> {
  const { accountId, config } = node
  await telephony.accounts.ready(accountId)
  const command = { accountId, target: line('target', config.target), timeoutMs: limitOf(config) }
  const result = await node.engine('ping', command)
  showResult(node, result)
  message.topic = 'peer.ping'
  message.payload = result.up
  message.ping = result
  message.event = { name: 'peer.ping', seq: 0, at: new Date().toISOString() }
  return { port: 3, message }
}

function showResult(node: FlowNode<Config>, { up, latencyMs }: PingResult): void {
  node.show(up ? { key: 'up', detail: `${Math.round(latencyMs ?? 0)} ms` } : { key: 'down' })
}

const limitOf = ({ limit }: Config): number => secondsAsMs('limit', limit, { min: 1, max: 32 })

const intervalOf = ({ interval }: Config): number => secondsAsMs('interval', interval, { min: 0, max: 86_400 })
