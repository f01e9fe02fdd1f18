/** A context store that answers later, as a store on a disk or in a database does: synchronous reading is an error. */

type Answer = (error: Error | null, ...values: unknown[]) => void

class SlowContext {
  readonly #values = new Map<string, unknown>()

  async open(): Promise<void> {}
  async close(): Promise<void> {}
  async clean(): Promise<void> {}
  async delete(): Promise<void> {}

  get(scope: string, key: string | string[], answer?: Answer): void {
    if (!answer) throw new Error('this store answers later: a callback is needed')
    const values = [key].flat().map((name) => this.#values.get(`${scope} ${name}`))
    setImmediate(() => answer(null, ...values))
  }

  set(scope: string, key: string | string[], value: unknown, answer?: Answer): void {
    for (const name of [key].flat()) this.#values.set(`${scope} ${name}`, value)
    if (answer) setImmediate(() => answer(null))
  }

  keys(_scope: string, answer: Answer): void {
    setImmediate(() => answer(null, [...this.#values.keys()]))
  }
}

/** For `contextStorage` in settings.js: memory by default, and `slow`. */
export const contextStorage = {
  default: { module: 'memory' },
  slow: { module: () => new SlowContext() },
}
