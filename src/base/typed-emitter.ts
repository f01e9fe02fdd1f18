type EventMap = { [name: string]: unknown[] }
type Listener = (...args: never[]) => void

/** Emits events that are typed as tuples: `{ digit: [digit: string, ms: number] }`. Every call has one, so it is smaller than Node's. */
export class TypedEmitter<Events extends EventMap> {
  /** A list is replaced at each change: an event reaches the listeners that there were when it was emitted. */
  readonly #listeners = new Map<string, readonly Listener[]>()

  /** Returns a function that removes the listener. */
  on<Name extends keyof Events & string>(name: Name, listener: (...args: Events[Name]) => void): () => void {
    // The same function may listen twice.
    const own: Listener = (...args) => listener(...(args as unknown as Events[Name]))
    const others = this.#listeners.get(name)
    this.#listeners.set(name, others ? [...others, own] : [own])
    return () => this.#remove(name, own)
  }

  once<Name extends keyof Events & string>(name: Name, listener: (...args: Events[Name]) => void): () => void {
    const remove = this.on(name, (...args) => {
      remove()
      listener(...args)
    })
    return remove
  }

  /** Calls the listeners in their order, until one throws. Returns whether there was a listener. */
  protected emit<Name extends keyof Events & string>(name: Name, ...args: Events[Name]): boolean {
    const listeners = this.#listeners.get(name)
    if (!listeners) return false
    for (const listener of listeners) listener(...(args as unknown as never[]))
    return true
  }

  protected removeAllListeners(): void {
    this.#listeners.clear()
  }

  #remove(name: string, listener: Listener): void {
    const others = this.#listeners.get(name)?.filter((other) => other !== listener) ?? []
    if (others.length > 0) this.#listeners.set(name, others)
    else this.#listeners.delete(name)
  }
}
