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
 * Takes an account's inbound calls; one such node per account.
 *
 * Mode `flow`: output 1 fires when it rings (`call.incoming`), and the flow decides by sip-answer within the time set; nobody
 * decides: 480. Mode `answer`: answered at once or after it has rung for the time set, output 1 fires then (`call.answered`). Mode
 * `reject`: refused with the status set.
 * Output 1, the call: a new message; `payload` is the event's name, who calls is in `call.from`.
 * Output 2, its events and its end: a new message per event that is not output 1's; of `call.digit` `payload` is the digit, of
 * `call.ended` the cause.
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
      const first = node.config.mode === 'answer' ? 'call.answered' : 'call.incoming'
      const isFirst = node.config.mode !== 'reject' && event.type === first
      node.send(isFirst ? 1 : 2, callMessage(event))
    },
  })
}

function open(node: FlowNode<Config>): void {
  node.account()
  const rule = ruleOf(node)
  const { accounts, live } = telephony
  const owner = accounts.inboundOwner(node.accountId)
  if (owner !== null && owner !== node.id && live.get(owner)?.accountId === node.accountId) {
    throw new FieldError('BAD_CONFIG', 'account', 'another incoming node takes its calls already')
  }
  accounts.setInbound(node.accountId, rule)
}

function ruleOf({ config, id }: FlowNode<Config>): InboundRule {
  const mode = oneOf('mode', config.mode, ['flow', 'answer', 'reject'])
  // Fields that the mode does not show may hold anything.
  return {
    mode,
    sendRinging: flag(config.sendRinging),
    decideMs: secondsAsMs('decide', mode === 'flow' ? config.decide : defaults.decide, { min: 1, max: 180 }),
    rejectStatus: number('rejectStatus', mode === 'reject' ? config.rejectStatus : defaults.rejectStatus, {
      min: 400, // RFC 3261 21.3: a 3xx names other addresses, which are sip-answer's to give
      max: 699,
      integer: true,
    }),
    owner: id,
    ...(mode === 'answer' ? { ringMs: secondsAsMs('ringTime', config.ringTime, { max: 180 }) } : {}),
  }
}
