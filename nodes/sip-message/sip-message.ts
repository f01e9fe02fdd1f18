import { defineNode } from '../shared/define-node.js'
import { FieldError } from '../shared/errors.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import type { Message, RED } from '../shared/red.js'
import { oneOf } from '../shared/settings.js'
import { dialTarget } from '../shared/targets.js'
import { telephony } from '../shared/telephony.js'
import { headersOf } from '../shared/typed-input.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Sends a text message by SIP MESSAGE (RFC 3428), or takes the messages of an account.
 *
 * Mode `send`: output 1 when the recipient has it (`message.delivered`) or its server keeps it (`message.accepted`), output 2 if not
 * (`message.failed`, `payload` is the SIP status): the incoming message. Mode `receive`: output 1 sends a new message for each one that comes
 * in; `payload` is the text. Done at the same moment.
 * Errors: BAD_TARGET, TARGET_BLOCKED, BAD_HEADER, BAD_ARGUMENT, NO_ACCOUNT.
 */
export default function sipMessage(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-message',
    defaults,
    migrations,
    working: 'sending',
    idle: 'ready',
    open(node) {
      node.account()
      const { id, accountId, config } = node
      if (oneOf('mode', config.mode, ['send', 'receive']) === 'receive')
        node.standing('takeMessages', { accountId, taker: id, on: true })
    },
    close({ id, accountId, config }) {
      if (config.mode === 'receive') telephony.tell('takeMessages', { accountId, taker: id, on: false })
    },
    input,
    onOutside(node, event) {
      if (event.type !== 'message.received' || event.accountId !== node.accountId || node.config.mode !== 'receive')
        return
      const { type, accountId, at, text, ...received } = event
      const name = telephony.accounts.config(accountId)?.name ?? ''
      const account = { id: accountId, name }
      node.send(1, { topic: type, payload: text, account, message: received, event: { name: type, seq: 0, at } })
    },
  })
}

async function input(node: FlowNode<Config>, message: Message): Promise<Output> {
  const { accountId, config } = node
  if (config.mode === 'receive')
    throw new FieldError('BAD_ARGUMENT', 'mode', 'this node receives messages. Choose “send” to send one')
  const target = dialTarget('target', await node.evaluate(config.target, config.targetType, message))
  if (target === '') throw new FieldError('BAD_TARGET', 'target', 'there is no number or address to send to')
  const text = textOf(await node.evaluate(config.text, config.textType, message))
  const headers = headersOf(await node.evaluate(config.headers, config.headersType, message))
  await telephony.accounts.ready(accountId)
  const { result, status, reason } = await node.engine('sendMessage', { accountId, target, text, headers })
  const ok = result === 'delivered' || result === 'accepted'
  const topic = ok ? `message.${result}` : 'message.failed'
  message.topic = topic
  message.event = { name: topic, seq: 0, at: new Date().toISOString() }
  message.delivery = { result, status, reason }
  if (!ok) message.payload = status
  return { port: ok ? 1 : 2, message }
}

function textOf(value: unknown): string {
  if (['string', 'number', 'boolean'].includes(typeof value) && value !== '') return String(value)
  throw new FieldError('BAD_ARGUMENT', 'text', 'there is no text to send')
}
