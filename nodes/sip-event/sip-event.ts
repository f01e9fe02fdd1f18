import { defineNode } from '../shared/define-node.js'
import type { FlowNode } from '../shared/flow-node.js'
import { callMessage, engineMessage, registrationMessage } from '../shared/message.js'
import type { Message, RED } from '../shared/red.js'
import { list } from '../shared/settings.js'
import { telephony } from '../shared/telephony.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Reports events, no matter which node caused them: `call.*` (incoming, trying, ringing, early, answered, media, media-trouble, digit,
 * held, resumed, codec-changed, idle, play-ended, record-ended, ended), `registration.*` (registering, registered, failed, unregistering, idle) and
 * `engine.*` (up, failed).
 *
 * Output 1: a new message per event; `topic` is its name, `payload` its most useful value (digit, path, cause, registration state) or
 * the name. The dialog filters by account and name; a Switch node on `msg.topic` branches. Events of the engine belong to no account.
 */
export default function sipEvent(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-event',
    defaults,
    migrations,
    open(node) {
      if (node.accountId !== '') node.account()
    },
    onAnyCall(node, event) {
      if (wants(node, event.type, event.call.account.id)) node.send(1, callMessage(event))
    },
    onRegistration(node, id, registration) {
      if (!wants(node, `registration.${registration.state}`, id)) return
      const name = telephony.accounts.config(id)?.name ?? ''
      node.send(1, registrationMessage({ id, name }, registration, new Date().toISOString()))
    },
    onEngine(node, engine) {
      const message: Message = engineMessage(engine, new Date().toISOString())
      if (wants(node, `engine.${engine.state}`)) node.send(1, message)
    },
  })
}

function wants({ config, accountId }: FlowNode<Config>, name: string, eventAccountId?: string): boolean {
  if (eventAccountId !== undefined && accountId !== '' && accountId !== eventAccountId) return false
  const names = list(config.events)
  return names.length === 0 || names.includes(name)
}
