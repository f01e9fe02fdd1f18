import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import type { Message, RED, RedNode, StatusDot } from '../../nodes/shared/red.js'
import sipAccount from '../../nodes/sip-account/sip-account.js'
import sipAnswer from '../../nodes/sip-answer/sip-answer.js'
import sipCdrOut from '../../nodes/sip-cdr-out/sip-cdr-out.js'
import sipDial from '../../nodes/sip-dial/sip-dial.js'
import sipDtmf from '../../nodes/sip-dtmf/sip-dtmf.js'
import sipEvent from '../../nodes/sip-event/sip-event.js'
import sipGather from '../../nodes/sip-gather/sip-gather.js'
import sipHangup from '../../nodes/sip-hangup/sip-hangup.js'
import sipHold from '../../nodes/sip-hold/sip-hold.js'
import sipIncoming from '../../nodes/sip-incoming/sip-incoming.js'
import sipMessage from '../../nodes/sip-message/sip-message.js'
import sipOptions from '../../nodes/sip-options/sip-options.js'
import sipPlayMedia from '../../nodes/sip-play-media/sip-play-media.js'
import sipProxy from '../../nodes/sip-proxy/sip-proxy.js'
import sipRecord from '../../nodes/sip-record/sip-record.js'
import sipRegister from '../../nodes/sip-register/sip-register.js'
import sipSubscribe from '../../nodes/sip-subscribe/sip-subscribe.js'
import sipTransfer from '../../nodes/sip-transfer/sip-transfer.js'
import sipTransport from '../../nodes/sip-transport/sip-transport.js'
import sipWait from '../../nodes/sip-wait/sip-wait.js'

/** What a flow file holds: plain objects. */
export type FlowItem = { id: string; type: string; [property: string]: unknown }
type Credentials = Record<string, Record<string, string>>
type NodeModule = (RED: RED) => void

interface TestHelper {
  load(nodes: NodeModule[], flow: FlowItem[], credentials: Credentials): Promise<void>
  unload(): Promise<void>
  settings(settings: Record<string, unknown>): unknown
  getNode(id: string): RedNode | null
  _events: EventEmitter
  _redNodes: {
    setFlows(flow: FlowItem[], credentials: Credentials | null, type: string): Promise<unknown>
    loadFlows(force: boolean): Promise<unknown>
    loadContextsPlugin(): Promise<void>
    stopFlows(): Promise<void>
  }
}

const helper = createRequire(import.meta.url)('node-red-node-test-helper') as TestHelper

const ALL: NodeModule[] = [
  sipTransport,
  sipProxy,
  sipAccount,
  sipRegister,
  sipMessage,
  sipOptions,
  sipSubscribe,
  sipDial,
  sipIncoming,
  sipAnswer,
  sipPlayMedia,
  sipGather,
  sipWait,
  sipDtmf,
  sipTransfer,
  sipRecord,
  sipHangup,
  sipHold,
  sipEvent,
  sipCdrOut,
]

/** Node-RED's runtime with our nodes and a flow, in this process. Inboxes and statuses outlive deploys. */
export class TestFlows {
  readonly statuses = new Map<string, StatusDot>()
  readonly logged: string[] = []
  readonly #news = new EventEmitter().setMaxListeners(0)
  readonly #messages = new Map<string, Message[]>()
  readonly #forget: (() => void)[] = []

  static async start(
    flow: FlowItem[],
    options: { credentials?: Credentials; settings?: Record<string, unknown> } = {},
  ): Promise<TestFlows> {
    const flows = new TestFlows()
    flows.#listen('node-status', ({ id, status }: { id: string; status?: StatusDot }) => {
      flows.statuses.set(id, status ?? {})
      flows.#news.emit('status')
    })
    if (options.settings) helper.settings(options.settings)
    await helper.load([...ALL, flows.#inboxType, flows.#logs], flow, options.credentials ?? {})
    if (options.settings?.contextStorage) await helper._redNodes.loadContextsPlugin()
    return flows
  }

  node(id: string): RedNode {
    const node = helper.getNode(id)
    if (!node) throw new Error(`there is no node ${id}`)
    return node
  }

  receive(id: string, message: Message): void {
    this.node(id).receive(message)
  }

  /** What has come to a `test-inbox` so far. */
  messages(inbox: string): Message[] {
    return this.#messages.get(inbox) ?? []
  }

  /** The first message that matches, come already or yet to come. */
  async message(inbox: string, matches: (message: Message) => boolean = () => true): Promise<Message> {
    for (;;) {
      const found = this.messages(inbox).find(matches)
      if (found) return found
      await new Promise((resolve) => this.#news.once('message', resolve))
    }
  }

  async status(id: string, text: string): Promise<StatusDot> {
    for (;;) {
      const status = this.statuses.get(id)
      if (status?.text === text) return status
      await new Promise((resolve) => this.#news.once('status', resolve))
    }
  }

  /** As the Deploy button does. */
  async deploy(flow: FlowItem[], type: 'full' | 'flows' | 'nodes' = 'full'): Promise<void> {
    const started = new Promise((resolve) => helper._events.once('flows:started', resolve))
    await helper._redNodes.setFlows(flow, null, type)
    await started
  }

  /** As "Restart flows" does. */
  async restart(): Promise<void> {
    const started = new Promise((resolve) => helper._events.once('flows:started', resolve))
    await helper._redNodes.loadFlows(true)
    await started
  }

  onEvent(name: string, listener: (event: never) => void): void {
    this.#listen(name, listener)
  }

  /** As SIGTERM does, and the end of a test. */
  async stop(): Promise<void> {
    await helper.unload()
    for (const forget of this.#forget) forget()
  }

  #listen(name: string, listener: (event: never) => void): void {
    const heard = (event: unknown) => listener(event as never)
    helper._events.on(name, heard)
    this.#forget.push(() => helper._events.off(name, heard))
  }

  readonly #inboxType: NodeModule = (RED) => {
    const take = (id: string, message: Message) => {
      this.#messages.set(id, [...this.messages(id), message])
      this.#news.emit('message')
    }
    RED.nodes.registerType('test-inbox', function (this: RedNode, stored) {
      RED.nodes.createNode(this, stored)
      this.on('input', (message, _send, done) => {
        take(stored.id, message)
        done()
      })
    })
  }

  readonly #logs: NodeModule = (RED) => {
    const handler = new EventEmitter()
    handler.on('log', (event: { msg?: unknown }) => this.logged.push(String(event.msg)))
    RED.log.addHandler(handler)
    this.#forget.push(() => RED.log.removeHandler(handler))
  }
}
