import type { SubscriptionEvent } from '../../src/engine/protocol.js'
import { defineNode } from '../shared/define-node.js'
import { FieldError } from '../shared/errors.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import type { Message, RED } from '../shared/red.js'
import { number, oneOf } from '../shared/settings.js'
import { telephony } from '../shared/telephony.js'
import { line } from '../shared/typed-input.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'
import { initialState, shortState, stateOf } from './states.js'

/**
 * Watches the state of a telephone, person or mailbox by SUBSCRIBE (RFC 6665), or shows a state to those who subscribe to the account.
 *
 * Mode `watch`: output 1 sends a new message for each notification; `payload` is the short state (`idle`, `confirmed`; `open`; true), `state` all of
 * it. Output 2: `subscription.active`, `subscription.pending`, `subscription.ended`. Mode `show`: the incoming message sets the state; output
 * 1 passes it on, output 2 sends `subscriber.added` and `subscriber.removed`.
 * Errors: BAD_ARGUMENT (state), BAD_TARGET, NO_ACCOUNT.
 */
export default function sipSubscribe(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-subscribe',
    defaults,
    migrations,
    open,
    close({ id, accountId, config }) {
      if (config.mode === 'watch') telephony.tell('unsubscribe', { subscriptionId: id })
      else telephony.tell('notify', { accountId, event: config.package, state: null })
    },
    input,
    onOutside(node, event) {
      if (event.type === 'subscriber.added' || event.type === 'subscriber.removed') hearSubscriber(node, event)
      else if ('subscriptionId' in event && event.subscriptionId === node.id) hearSubscription(node, event)
    },
  })
}

type OfSubscriber = Extract<SubscriptionEvent, { type: 'subscriber.added' | 'subscriber.removed' }>

function hearSubscriber(node: FlowNode<Config>, event: OfSubscriber): void {
  const { accountId, config } = node
  if (config.mode !== 'show' || event.accountId !== accountId || event.event !== config.package) return
  const { type, from, subscribers, resource } = event
  node.send(2, { topic: type, payload: subscribers, subscriber: { ...from, resource }, event: noteOf(event) })
}

function hearSubscription(node: FlowNode<Config>, event: Exclude<SubscriptionEvent, OfSubscriber>): void {
  const { type } = event
  if (type === 'subscription.notify') {
    const { state, contentType, body } = event
    node.send(1, { topic: type, payload: shortState(state), state, contentType, body, event: noteOf(event) })
    return
  }
  const payload = type.slice('subscription.'.length)
  if (type !== 'subscription.ended') {
    node.show(type === 'subscription.active' ? { key: 'subscribed' } : null)
    node.send(2, { topic: type, payload, event: noteOf(event) })
    return
  }
  const { cause, status, reason, retryAt } = event
  node.show(cause === 'unsubscribed' ? null : { key: 'failed', detail: status ? String(status) : '' })
  const subscription = { cause, status, reason, retryAt }
  node.send(2, { topic: type, payload, subscription, event: noteOf(event) })
}

const noteOf = ({ type, at }: SubscriptionEvent) => ({ name: type, seq: 0, at })

function open(node: FlowNode<Config>): void {
  node.account()
  const { id, accountId, config } = node
  const event = oneOf('package', config.package, ['dialog', 'presence', 'message-summary'])
  if (oneOf('mode', config.mode, ['watch', 'show']) === 'show') {
    node.standing('notify', { accountId, event, state: initialState(event) })
    return
  }
  const target = line('target', config.target)
  if (target === '') throw new FieldError('BAD_CONFIG', 'target', 'name the number or address to watch')
  const expiresSec = number('expires', config.expires, { min: 30, max: 86_400, integer: true })
  node.standing('subscribe', { accountId, subscriptionId: id, target, event, expiresSec, owner: id })
}

async function input(node: FlowNode<Config>, message: Message): Promise<Output | undefined> {
  const { accountId, config } = node
  if (config.mode === 'watch')
    throw new FieldError('BAD_ARGUMENT', 'mode', 'this node watches a state. Choose “show” to show one')
  await telephony.accounts.ready(accountId)
  const state = stateOf(config.package, message.payload)
  await node.engine('notify', { accountId, event: config.package, state })
  return { port: 1, message }
}
