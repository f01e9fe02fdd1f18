/** A node of a flow as its wrapper holds it: settings, status, messages, the call that a message is about. */
import type { CallEvent, CallSnapshot } from '../../src/call/call-event.js'
import type { EngineCommands } from '../../src/engine/protocol.js'
import { TelephonyError } from './errors.js'
import type { LiveNode } from './live-nodes.js'
import { continued, type MediaNote } from './message.js'
import type { ConfigNode, Message, RED, RedNode } from './red.js'
import { errorStatus, type Status, type StatusKey, statusDot } from './status.js'
import { telephony } from './telephony.js'
import { callIdOf, evaluate } from './typed-input.js'

/** Messages for one output. */
export interface Output {
  /** From 1, as the help counts them. */
  port: number
  message: Message
}

export class FlowNode<Config> implements LiveNode {
  readonly id: string
  readonly type: string
  readonly node: RedNode
  readonly config: Config
  readonly accountId: string
  /** Wrong settings: shown, logged once, and the answer to every input. */
  problem: TelephonyError | undefined
  readonly #RED: RED
  #status: Status = null

  constructor(deps: { RED: RED; node: RedNode; config: Config; accountId: string }) {
    this.#RED = deps.RED
    this.node = deps.node
    this.id = deps.node.id
    this.type = deps.node.type
    this.config = deps.config
    this.accountId = deps.accountId
  }

  // --- status

  show(status: Status): void {
    this.#status = status
    this.refresh()
  }

  /** A dead engine is everyone's status; what was there before comes back with it. Wrong settings stay what is shown. */
  refresh(): void {
    const own = this.problem ? errorStatus(this.problem) : this.#status
    this.node.status(statusDot(this.#RED, telephony.engine.failed ? { key: 'engineFailed' } : own))
  }

  showCount(key: StatusKey, count: number): void {
    this.show(count === 0 ? null : count === 1 ? { key } : { key, detail: `(${count})` })
  }

  // --- messages

  /** An event that the engine started: a message of its own. */
  send(port: number, message: Message): void {
    this.node.send(toPort({ port, message }))
  }

  /** The message goes on while the action does: downstream gets its own copy. */
  pass(port: number, message: Message): void {
    this.node.send(toPort({ port, message: this.#RED.util.cloneMessage(message) }))
  }

  /** The message that started an action, going on with what the action brought. */
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

  /** For actions that pass on before the engine has answered. */
  assertLive(callId: string): CallSnapshot {
    const snapshot = telephony.calls.snapshot(callId)
    if (!snapshot) throw new TelephonyError('NO_CALL', `there is no call ${callId}`)
    if (snapshot.state === 'ended') throw new TelephonyError('CALL_ENDED', `the call ${callId} has ended`)
    return snapshot
  }

  engine<Op extends keyof EngineCommands>(
    op: Op,
    arg: Parameters<EngineCommands[Op]>[0],
  ): Promise<Awaited<ReturnType<EngineCommands[Op]>>> {
    return telephony.engine.call(op, arg)
  }

  /** The account's node, with its name; throws what is wrong with it. */
  account(): ConfigNode<unknown> {
    const account = this.#RED.nodes.getNode(this.accountId) as ConfigNode<unknown> | null | undefined
    if (!account?.users) throw new TelephonyError('BAD_CONFIG', 'account: choose one')
    if (account.problem)
      throw new TelephonyError('BAD_CONFIG', `the account's settings are wrong: ${account.problem.message}`)
    return account
  }
}

/** Node-RED wants one entry per output up to the one meant. */
export function toPort({ port, message }: Output): (Message | null)[] {
  return [...Array<null>(port - 1).fill(null), message]
}
