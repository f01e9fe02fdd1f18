import type { AccountConfig, EngineCommands, InboundRule, TraceSettings } from './protocol.js'

type Op = keyof EngineCommands
type Arg = { accountId?: string; [field: string]: unknown }

/** Commands after which something lasts: the name of what lasts, and the commands that end it. */
const LASTING: Partial<Record<Op, { key: (arg: Arg) => string; isEnd: (arg: Arg) => boolean }>> = {
  takeMessages: { key: ({ accountId, taker }) => `messages ${accountId} ${taker}`, isEnd: ({ on }) => on !== true },
  watchPeer: { key: ({ watchId }) => `watch ${watchId}`, isEnd: () => false },
  unwatchPeer: { key: ({ watchId }) => `watch ${watchId}`, isEnd: () => true },
  subscribe: { key: ({ subscriptionId }) => `subscription ${subscriptionId}`, isEnd: (arg) => !arg.subscriptionId },
  unsubscribe: { key: ({ subscriptionId }) => `subscription ${subscriptionId}`, isEnd: () => true },
  notify: {
    key: ({ accountId, event, resource = '' }) => `state ${accountId} ${event} ${resource}`,
    isEnd: ({ state }) => state === null,
  },
  publish: {
    key: ({ accountId, event, target = '' }) => `publication ${accountId} ${event} ${target}`,
    isEnd: ({ state }) => state === null,
  },
}

/** Records the commands that configure an engine, to repeat them on a new one. */
export class SetupCommands {
  readonly #accounts = new Map<string, AccountConfig>()
  readonly #rules = new Map<string, InboundRule>()
  /** Accounts whose state differs from their `register` setting. */
  readonly #registered = new Map<string, boolean>()

  #trace: TraceSettings | undefined
  /** By name, in their order. */
  readonly #lasting = new Map<string, { op: Op; arg: Arg }>()

  note(op: Op, arg: unknown): void {
    const accountId = (arg as { accountId?: string } | null)?.accountId ?? ''
    const lasting = LASTING[op]
    if (lasting) this.#noteLasting(op, arg as Arg, lasting)
    switch (op) {
      case 'setAccount': {
        const config = arg as AccountConfig
        this.#accounts.set(config.id, config)
        break
      }
      case 'setTrace':
        this.#trace = arg as TraceSettings
        break
      case 'removeAccount':
        this.#accounts.delete(accountId)
        this.#rules.delete(accountId)
        this.#registered.delete(accountId)
        for (const [key, { arg: kept }] of this.#lasting) if (kept.accountId === accountId) this.#lasting.delete(key)
        break
      case 'setInbound': {
        const { rule } = arg as { rule: InboundRule | null }
        if (rule) this.#rules.set(accountId, rule)
        else this.#rules.delete(accountId)
        break
      }
      case 'register':
      case 'unregister':
        this.#registered.set(accountId, op === 'register')
    }
  }

  /** One list per account, each to be run in order. The rule comes first, so that no call meets an account without it. */
  commands(): [op: Op, arg: unknown][][] {
    const trace: [op: Op, arg: unknown][][] = this.#trace?.on ? [[['setTrace', this.#trace]]] : []
    const accounts = [...this.#accounts.values()].map((config) => {
      const accountId = config.id
      const rule = this.#rules.get(accountId)
      const registered = this.#registered.get(accountId) ?? config.register
      const commands: [op: Op, arg: unknown][] = [['setAccount', config]]
      if (rule) commands.unshift(['setInbound', { accountId, rule }])
      if (registered !== config.register) commands.push([registered ? 'register' : 'unregister', { accountId }])
      for (const { op, arg } of this.#lasting.values()) if (arg.accountId === accountId) commands.push([op, arg])
      return commands
    })
    return [...trace, ...accounts]
  }

  #noteLasting(op: Op, arg: Arg, { key, isEnd }: NonNullable<(typeof LASTING)[Op]>): void {
    const name = key(arg)
    this.#lasting.delete(name)
    if (!isEnd(arg)) this.#lasting.set(name, { op, arg })
  }
}
