import type { CallSnapshot } from '../../src/call/call-event.js'
import type { InboundRule } from '../../src/engine/protocol.js'
import { defineNode } from '../shared/define-node.js'
import { FieldError } from '../shared/errors.js'
import type { FlowNode } from '../shared/flow-node.js'
import { callMessage } from '../shared/message.js'
import type { RED } from '../shared/red.js'
import { flag, number, oneOf, secondsAsMs } from '../shared/settings.js'
import { telephony } from '../shared/telephony.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Takes an account's inbound calls. An account has at most one sip-incoming node.
 *
 * Mode `flow`: output 1 sends when the call arrives (`call.incoming`), and the flow decides with sip-answer within the time set.
 * Without a decision the caller gets 480. Mode `answer`: the call is answered at once or after it has rung for the time set; then
 * output 1 sends (`call.answered`). Mode `reject`: the caller gets the status set.
 * Output 1, the call: a new message; `payload` is the event's name, `call.from` is the caller.
 * Output 2, events and end: a new message per event that output 1 does not send; `payload` is the digit of `call.digit` and
 * the cause of `call.ended`.
 * Status: the registration of its account, or `listening` for an account that does not register.
 */
export default function sipIncoming(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-incoming',
    defaults,
    migrations,
    idle: 'listening',
    open,
    onCall(node, event) {
      const first = answersItself(node.config, event.call) ? 'call.answered' : 'call.incoming'
      const isFirst = node.config.mode !== 'reject' && event.type === first
      node.send(isFirst ? 1 : 2, callMessage(event))
    },
  })
}

/** Whether the call is answered without a decision of the flow. */
const answersItself = ({ mode, autoAnswer }: Config, { alert }: CallSnapshot): boolean =>
  mode === 'answer' || (flag(autoAnswer) && alert?.autoAnswer === true)

function open(node: FlowNode<Config>): void {
  node.account()
  const rule = ruleOf(node)
  const { accounts, live } = telephony
  const owner = accounts.inboundOwner(node.accountId)
  if (owner !== null && owner !== node.id && live.get(owner)?.accountId === node.accountId) {
    throw new FieldError(
      'BAD_CONFIG',
      'account',
      'another incoming node takes the calls of this account already. Choose another account',
    )
  }
  accounts.setInbound(node.accountId, rule)
}

function ruleOf({ config, id }: FlowNode<Config>): InboundRule {
  const mode = oneOf('mode', config.mode, ['flow', 'answer', 'reject'])
  // Fields that the form hides in this mode may hold invalid values.
  return {
    mode,
    sendRinging: flag(config.sendRinging),
    decideMs: secondsAsMs('decide', mode === 'flow' ? config.decide : defaults.decide, { min: 1, max: 180 }),
    rejectStatus: number('rejectStatus', mode === 'reject' ? config.rejectStatus : defaults.rejectStatus, {
      min: 400, // RFC 3261 21.3: a 3xx needs other addresses, and only sip-answer has them
      max: 699,
      integer: true,
    }),
    owner: id,
    ...(mode === 'flow' && flag(config.autoAnswer) ? { autoAnswer: true } : {}),
    ...(mode === 'answer' ? { ringMs: secondsAsMs('ringTime', config.ringTime, { max: 180 }) } : {}),
  }
}
