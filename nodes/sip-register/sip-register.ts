import { defineNode } from '../shared/define-node.js'
import { TelephonyError } from '../shared/errors.js'
import type { FlowNode } from '../shared/flow-node.js'
import { registrationMessage } from '../shared/message.js'
import type { Message, RED } from '../shared/red.js'
import { oneOf } from '../shared/settings.js'
import { telephony } from '../shared/telephony.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/** The transaction gives up after 32 s without an answer (RFC 3261 17.1.2.2, Timer F). */
const SETTLE_LIMIT_MS = 35_000

/**
 * Registers or unregisters an account, and reports the state of its registration.
 *
 * Input: with action `message`, `payload` is `register` or `unregister`; anything else is the error BAD_ARGUMENT.
 * Output 1: a new message whenever the registration changes, for any reason: `topic` `registration.registered` …, `payload`
 * `registering`, `registered`, `failed`, `unregistering` or `idle`, `account` (id, name), `registration` (status, reason, retryAt,
 * expiresAt, contact).
 * Done when the registrar has answered. A refusal is a message, not an error.
 * Status: the registration.
 */
export default function sipRegister(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-register',
    defaults,
    migrations,
    idle: 'notRegistered',
    open(node) {
      node.account()
      oneOf('action', node.config.action, ['message', 'register', 'unregister'])
    },
    input,
    onRegistration(node, accountId, registration) {
      if (accountId !== node.accountId) return
      const name = telephony.accounts.config(accountId)?.name ?? ''
      node.send(1, registrationMessage({ id: accountId, name }, registration, new Date().toISOString()))
    },
  })
}

async function input(node: FlowNode<Config>, message: Message): Promise<undefined> {
  const { accountId } = node
  const action = actionOf(node.config.action, message.payload)
  await telephony.accounts.ready(accountId)
  telephony.accounts.forgetFailure(accountId)
  await node.engine(action, { accountId })
  await telephony.accounts.registrationSettled(accountId, SETTLE_LIMIT_MS)
}

function actionOf(action: Config['action'], payload: unknown): 'register' | 'unregister' {
  const wanted = action === 'message' ? payload : action
  if (wanted === 'register' || wanted === 'unregister') return wanted
  throw new TelephonyError(
    'BAD_ARGUMENT',
    `msg.payload is ${JSON.stringify(wanted)}. It must be "register" or "unregister"`,
  )
}
