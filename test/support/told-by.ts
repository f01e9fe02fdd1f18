import type { SipDialog } from '../../src/sip/types.js'
import { ANSWER } from './sip-parties.js'

/**
 * The names of the handlers that the dialog calls from now on, in order. INFO is answered 200, an offer is accepted. To throw in a handler
 * would fail no test: the stack catches it.
 */
export function toldBy(dialog: SipDialog): string[] {
  const told: string[] = []
  dialog.handlers = {
    bye: () => told.push('bye'),
    acknowledged: () => told.push('acknowledged'),
    ackTimeout: () => told.push('ackTimeout'),
    request: (incoming) => {
      const { method } = incoming.request
      told.push(method === 'INFO' ? 'info' : method)
      incoming.accept(method === 'INFO' ? {} : { body: ANSWER })
    },
    lost: () => told.push('lost'),
  }
  return told
}
