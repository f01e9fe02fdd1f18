import type { AccountConfig, EngineCommands, InboundRule, TraceSettings } from './protocol.js'

type Op = keyof EngineCommands

/** Records the commands that configure an engine, to repeat them on a new one. */
export class SetupCommands {
  readonly #accounts = new Map<string, AccountConfig>()
  readonly #rules = new Map<string, InboundRule>()
  /** Accounts whose state differs from their `register` setting. */
  readonly #registered = new Map<string, boolean>()

  #trace: TraceSettings | undefined

  note(op: Op, arg: unknown): void {
    const accountId = (arg as { accountId?: string } | null)?.accountId ?? ''
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
      return commands
    })
    return [...trace, ...accounts]
  }
}
