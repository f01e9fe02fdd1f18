import { defineNode } from '../shared/define-node.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import type { Message, RED } from '../shared/red.js'
import { flag } from '../shared/settings.js'
import { headersOf, line } from '../shared/typed-input.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Ends the call in any state: hangs up, cancels an outgoing call that rings, rejects an incoming call that was not answered.
 *
 * Output 1: the incoming message when the call has ended, with the final `call`. Done at the same moment.
 * Errors: NO_CALL, BAD_HEADER. If the call has ended already, that is not an error.
 */
export default function sipHangup(RED: RED): void {
  defineNode<Config>(RED, { type: 'sip-hangup', defaults, migrations, working: 'hangingUp', input })
}

async function input(node: FlowNode<Config>, message: Message): Promise<Output> {
  const callId = await node.callId(node.config, message)
  const { config } = node
  const reason = line('reason', await node.evaluate(config.reason, config.reasonType, message))
  const headers = headersOf(await node.evaluate(config.headers, config.headersType, message))
  await node.engine('hangup', {
    callId,
    afterMedia: flag(config.afterMedia),
    elsewhere: flag(config.elsewhere),
    ...(reason !== '' && { reason }),
    ...(Object.keys(headers).length > 0 && { headers }),
  })
  return { port: 1, message: node.continue(message, callId, 'call.ended') }
}
