import { defineNode } from '../shared/define-node.js'
import { callMessage } from '../shared/message.js'
import type { RED } from '../shared/red.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Sends the call detail record of each ended call. For calls that a stop of the flows ended, it is sent at the next start.
 *
 * Output 1: `payload` is the record, a flat object for a CSV node or a database: times, numbers, duration, cause, codec,
 * digits, packets sent, received and lost, jitter, round trip, MOS, recordings. `call` is the final snapshot.
 */
export default function sipCdrOut(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-cdr-out',
    defaults,
    migrations,
    open(node) {
      if (node.accountId !== '') node.account()
    },
    onRecord(node, event) {
      if (node.accountId !== '' && node.accountId !== event.call.account.id) return
      node.send(1, callMessage(event, { ...event.cdr }))
    },
  })
}
