/** The example flows as a user has them: taken from the import menu, deployed in a Node-RED of their own, with real calls on loopback. */
import assert from 'node:assert/strict'
import { defaults as accountDefaults } from '../../nodes/sip-account/config.js'
import { defaults as answerDefaults } from '../../nodes/sip-answer/config.js'
import { defaults as dialDefaults } from '../../nodes/sip-dial/config.js'
import { defaults as dtmfDefaults } from '../../nodes/sip-dtmf/config.js'
import { defaults as hangupDefaults } from '../../nodes/sip-hangup/config.js'
import { defaults as incomingDefaults } from '../../nodes/sip-incoming/config.js'
import { defaults as transportDefaults } from '../../nodes/sip-transport/config.js'
import { type DebugMessages, type FlowNode, PACK, type RunningNodeRed, startNodeRed } from './node-red-process.js'
import { freeUdpPorts } from './udp-ports.js'

const LIMIT_MS = 30_000

/** What people do when they are called: refuse, let it ring, answer and say nothing, or answer and press these keys. */
export type Habit = 'busy' | 'rings' | 'answers' | { presses: string }

const place = { z: 'people', x: 100, y: 100 }

export class Stage {
  readonly nodeRed: RunningNodeRed
  /** All people live at one address. */
  readonly port: number
  readonly #debug = new Map<string, DebugMessages>()

  static async start(): Promise<Stage> {
    const [port = 0] = await freeUdpPorts(1)
    return new Stage(await startNodeRed(), port)
  }

  private constructor(nodeRed: RunningNodeRed, port: number) {
    this.nodeRed = nodeRed
    this.port = port
  }

  address(user: string): string {
    return `sip:${user}@127.0.0.1:${this.port}`
  }

  /** As Import → Examples loads it. */
  async example(name: string): Promise<ExampleFlow> {
    const path = [PACK, name].map((part) => part.split('/').map(encodeURIComponent).join('/')).join('/')
    const response = await fetch(`${this.nodeRed.url}/library/examples/flows/${path}`)
    assert.equal(response.status, 200, `${name} is not in the import menu`)
    return new ExampleFlow((await response.json()) as FlowNode[])
  }

  /** Accounts by name, and what happens when they are called; null for one that the example itself takes care of. */
  people(habits: Record<string, Habit | null>): FlowNode[] {
    return [
      { id: 'people', type: 'tab', label: 'People' },
      {
        ...transportDefaults,
        id: 'people-transport',
        type: 'sip-transport',
        bindAddress: '127.0.0.1',
        udpPort: String(this.port),
      },
      ...Object.entries(habits).flatMap(([user, habit]) => [
        {
          ...accountDefaults,
          id: user,
          type: 'sip-account',
          transport: 'people-transport',
          aor: `${user}@127.0.0.1:${this.port}`,
          register: false,
          maxCalls: '100',
          allowedSources: '127.0.0.1',
        },
        ...(habit === null ? [] : behaviour(user, habit)),
      ]),
    ]
  }

  /**
   * Somebody who calls: the button `caller-call` begins it and gives the message to the nodes in `first`, `caller-press` presses keys,
   * `caller-leave` hangs up, `caller-progress` shows each event.
   */
  caller({ calls, presses = '', first = [] }: { calls: string; presses?: string; first?: string[] }): FlowNode[] {
    const call = { call: 'caller', callType: 'flow' }
    const node = (id: string, type: string, settings: Record<string, unknown>): FlowNode => ({
      ...place,
      id: `caller-${id}`,
      type,
      ...settings,
    })
    const button = (id: string, target: string) =>
      node(id, 'inject', { props: [{ p: 'payload' }], payload: presses, payloadType: 'str', wires: [[target]] })
    const target = { target: this.address(calls), targetType: 'str' }
    const wires = [['caller-remember'], [], ['caller-progress']]
    return [
      button('call', 'caller-dial'),
      node('dial', 'sip-dial', { ...dialDefaults, account: 'caller', ...target, wires }),
      node('remember', 'change', {
        rules: [{ t: 'set', p: 'caller', pt: 'flow', to: 'call.id', tot: 'msg' }],
        wires: [first],
      }),
      debugNode('caller-progress', 'people', 'true'),
      button('press', 'caller-keys'),
      node('keys', 'sip-dtmf', { ...dtmfDefaults, ...call, wires: [[]] }),
      button('leave', 'caller-hangup'),
      node('hangup', 'sip-hangup', { ...hangupDefaults, ...call, wires: [[]] }),
    ]
  }

  /** What the debug node shows next. Listen before what makes it show: `listen`. */
  async shown<T = unknown>(id: string): Promise<T> {
    const messages = await this.listen(id)
    let limit: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, fail) => {
      limit = setTimeout(() => fail(new Error(`${id} showed nothing:\n${this.nodeRed.log.join('')}`)), LIMIT_MS)
    })
    return Promise.race([messages.next() as Promise<T>, late]).finally(() => clearTimeout(limit))
  }

  async listen(...ids: string[]): Promise<DebugMessages> {
    for (const id of ids) if (!this.#debug.has(id)) this.#debug.set(id, await this.nodeRed.debugMessages(id))
    return this.#debug.get(ids[0] ?? '') ?? assert.fail('listen to what?')
  }

  deploy(...flows: FlowNode[][]): Promise<void> {
    return this.nodeRed.deploy(flows.flat())
  }

  async close(): Promise<void> {
    for (const messages of this.#debug.values()) messages.close()
    await this.nodeRed.close()
  }
}

/** `complete`: the property that it shows, `true` for the whole message. */
export const debugNode = (id: string, z: string, complete: string): FlowNode => ({
  id,
  type: 'debug',
  z,
  x: 100,
  y: 100,
  active: true,
  tosidebar: true,
  complete,
  targetType: complete === 'true' ? 'full' : 'msg',
  wires: [],
})

/** A flow whose settings a test puts in, as its user would. */
export class ExampleFlow {
  readonly items: FlowNode[]

  constructor(items: FlowNode[]) {
    this.items = items
  }

  set(id: string, settings: Record<string, unknown>): this {
    Object.assign(this.items.find((item) => item.id === id) ?? assert.fail(`no node ${id}`), settings)
    return this
  }

  /** One value of a change node. */
  setRule(id: string, property: string, value: unknown, type = 'json'): this {
    const rules = this.items.find((item) => item.id === id)?.rules as
      | { p: string; to: string; tot: string }[]
      | undefined
    const rule = rules?.find(({ p }) => p === property) ?? assert.fail(`${id} sets no ${property}`)
    Object.assign(rule, { to: typeof value === 'string' ? value : JSON.stringify(value), tot: type })
    return this
  }
}

function behaviour(user: string, habit: Habit): FlowNode[] {
  const presses = typeof habit === 'object' ? habit.presses : ''
  const mode = habit === 'busy' ? 'reject' : habit === 'answers' ? 'answer' : 'flow'
  const wires = presses === '' ? [[], []] : [[`${user}-answer`], []]
  const incoming = {
    ...incomingDefaults,
    ...place,
    id: `${user}-incoming`,
    type: 'sip-incoming',
    account: user,
    mode,
    wires,
  }
  if (presses === '') return [incoming]
  return [
    incoming,
    { ...answerDefaults, ...place, id: `${user}-answer`, type: 'sip-answer', wires: [[`${user}-press`]] },
    {
      ...dtmfDefaults,
      ...place,
      id: `${user}-press`,
      type: 'sip-dtmf',
      digits: presses,
      digitsType: 'str',
      wires: [[]],
    },
  ]
}
