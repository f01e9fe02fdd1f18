/** A node of a flow: its settings, its status, its messages, and the call that a message refers to. */
import { isDeepStrictEqual } from 'node:util'
import type { Timer } from '../../src/base/clock.js'
import type { CallEvent, CallSnapshot } from '../../src/call/call-event.js'
import type { EngineCommands } from '../../src/engine/protocol.js'
import { FieldError, TelephonyError } from './errors.js'
import type { LiveNode } from './live-nodes.js'
import { continued, type MediaNote } from './message.js'
import type { ConfigNode, Message, RED, RedNode } from './red.js'
import {
  type AccountState,
  accountStatus,
  errorStatus,
  isLikeAccount,
  type Status,
  type StatusKey,
  statusDot,
} from './status.js'
import { telephony } from './telephony.js'
import { callIdOf, evaluate } from './typed-input.js'

/** How long the failure of a call or an input hides the state of the account. */
const FAILURE_SHOWN_MS = 60_000

/** Messages for one output. */
export interface Output {
  /** Counts from 1, as the help does. */
  port: number
  message: Message
}

export class FlowNode<Config> implements LiveNode {
  readonly id: string
  readonly type: string
  readonly node: RedNode
  readonly config: Config
  readonly accountId: string
  /** The error in the settings: shown, logged once, and the answer to every input. */
  problem: TelephonyError | undefined
  isAccountDeleted = false
  readonly #RED: RED
  /** Status for an account that does not register. */
  readonly #idle: StatusKey
  #status: Status = null
  /** The call or the message is over, so the account's next change may replace the status. */
  #isOver = true
  #account: Status = null
  #failureShown: Timer | undefined
  /** Status of a foreseeable failure (a missing file); shown while there is nothing else to show. */
  #fault: Status = null

  constructor(deps: { RED: RED; node: RedNode; config: Config; accountId: string; idle?: StatusKey }) {
    this.#RED = deps.RED
    this.#idle = deps.idle ?? 'ready'
    this.node = deps.node
    this.id = deps.node.id
    this.type = deps.node.type
    this.config = deps.config
    this.accountId = deps.accountId
  }

  // --- status

  show(status: Status, isOver = false): void {
    this.#status = status
    this.#isOver = isOver || status === null
    this.#failureShown?.cancel()
    this.#failureShown = undefined
    this.refresh()
    if (this.#isOver && isLikeAccount(status) && this.#account !== null)
      this.#failureShown = telephony.clock.setTimeout(() => this.show(null), FAILURE_SHOWN_MS)
  }

  /** The action has failed. If the account cannot be used, its own status says more than the error. */
  showError(error: TelephonyError): void {
    const state = telephony.accounts.state(this.accountId)
    this.show(isReasonOf(state, error) ? null : errorStatus(error), true)
  }

  /** The node is closed: it shows nothing more. */
  close(): void {
    this.#failureShown?.cancel()
    this.#failureShown = undefined
  }

  /** While the engine is down, every node shows that, except for wrong settings. The previous status returns with the engine. */
  refresh(): void {
    this.#account = this.#accountStatus()
    const own = this.#problemStatus() ?? this.#status ?? this.#fault ?? this.#account
    this.node.status(statusDot(telephony.engine.failed ? { key: 'engineFailed' } : own))
  }

  #problemStatus(): Status {
    if (!this.problem) return null
    return this.isAccountDeleted ? { key: 'accountDeleted' } : errorStatus(this.problem)
  }

  /** Null clears the warning. */
  setFault(fault: Status): void {
    if (isDeepStrictEqual(fault, this.#fault)) return
    this.#fault = fault
    this.refresh()
  }

  /** Shows the state of the account, unless the node is at work or the state has not changed. */
  showAccount(): void {
    if (!this.#isOver || isDeepStrictEqual(this.#account, this.#accountStatus())) return
    this.show(null)
  }

  /** A node without an account works for every account. It shows the account's state if there is only one. */
  #accountStatus(): Status {
    const { accounts } = telephony
    const id = this.accountId === '' ? accounts.onlyId() : this.accountId
    const state = id === undefined ? undefined : accounts.shown(id)
    if (id === undefined || state === undefined) return null
    return accountStatus(state, accounts.config(id)?.register ? undefined : this.#idle)
  }

  showCount(key: StatusKey, count: number): void {
    this.show(count === 0 ? null : count === 1 ? { key } : { key, detail: `(${count})` })
  }

  // --- messages

  /** Sends a new message for an event of the engine. */
  send(port: number, message: Message): void {
    this.node.send(toPort({ port, message }))
  }

  /** Passes the message on while the action continues. The next nodes get a copy. */
  pass(port: number, message: Message): void {
    this.node.send(toPort({ port, message: this.copy(message) }))
  }

  copy(message: Message): Message {
    return this.#RED.util.cloneMessage(message)
  }

  /** The message that started an action, with the result of the action. */
  continue(
    message: Message,
    callId: string,
    name: string,
    result: { payload?: unknown; media?: MediaNote } = {},
  ): Message {
    const { calls } = telephony
    return continued(message, { event: calls.note(callId, name), call: calls.snapshot(callId), ...result })
  }

  continueWith(message: Message, event: CallEvent, payload?: unknown): Message {
    const note = { name: event.type, seq: event.seq, at: event.at }
    return continued(message, { event: note, call: event.call, ...(payload !== undefined && { payload }) })
  }

  // --- settings and the call

  evaluate(value: string, type: string, message: Message): Promise<unknown> {
    return evaluate(this.#RED, this.node, value, type, message)
  }

  async callId(setting: { call: string; callType: string }, message: Message): Promise<string> {
    const value = await this.evaluate(setting.call, setting.callType, message)
    return callIdOf(value, setting.callType === 'msg' ? `msg.${setting.call}` : setting.call)
  }

  /** The call of a message whose action has failed, if the message names one. */
  async callIdIn(message: Message): Promise<string | undefined> {
    const { call, callType } = this.config as { call?: unknown; callType?: unknown }
    if (typeof call !== 'string' || typeof callType !== 'string') return undefined
    return this.callId({ call, callType }, message).catch(() => undefined)
  }

  /** For actions that pass the message on before the engine has answered. */
  assertLive(callId: string): CallSnapshot {
    const snapshot = telephony.calls.snapshot(callId)
    if (!snapshot)
      throw new TelephonyError(
        'NO_CALL',
        `there is no call with the id ${callId}. It may belong to an earlier run of Node-RED`,
      )
    if (snapshot.state === 'ended') throw new TelephonyError('CALL_ENDED', `the call ${callId} has ended`)
    return snapshot
  }

  engine<Op extends keyof EngineCommands>(
    op: Op,
    arg: Parameters<EngineCommands[Op]>[0],
  ): Promise<Awaited<ReturnType<EngineCommands[Op]>>> {
    return telephony.engine.call(op, arg)
  }

  /** A command at the start of the node, once the engine has the account. A failure shows at the node. */
  standing<Op extends keyof EngineCommands>(op: Op, arg: Parameters<EngineCommands[Op]>[0]): void {
    const run = async (): Promise<void> => {
      await telephony.accounts.ready(this.accountId).catch(() => undefined)
      if (telephony.live.get(this.id)?.node === this.node) await this.engine(op, arg)
    }
    run().catch((thrown) => {
      const error = TelephonyError.from(thrown)
      this.showError(error)
      this.node.error(error)
    })
  }

  /** The account's node, with its name. Throws if its settings are wrong. */
  account(): ConfigNode<unknown> {
    const account = this.#RED.nodes.getNode(this.accountId) as ConfigNode<unknown> | null | undefined
    if (this.accountId === '') throw new FieldError('BAD_CONFIG', 'account', 'choose one')
    this.isAccountDeleted = !account?.users
    if (!account?.users) {
      throw new FieldError('BAD_CONFIG', 'account', 'the chosen account was deleted. Choose another one')
    }
    if (account.problem)
      throw new FieldError('BAD_CONFIG', 'account', `its settings are wrong. ${account.problem.message}`)
    return account
  }
}

/** Whether an action failed because its account cannot be used: the engine has refused it, or its socket is not open. */
const isReasonOf = (state: AccountState | undefined, { code }: TelephonyError): boolean =>
  state?.state === 'broken'
    ? state.error.code === code
    : state?.state === 'failed' && state.status === 0 && code === 'TRANSPORT'

/** Node-RED expects an array with one entry per output, up to the one used. */
export function toPort({ port, message }: Output): (Message | null)[] {
  return [...Array<null>(port - 1).fill(null), message]
}
