import { EventEmitter } from 'node:events'

type EventMap = { [name: string]: unknown[] }

/** An EventEmitter whose events are typed as tuples: `{ digit: [digit: string, ms: number] }`. */
export class TypedEmitter<Events extends EventMap> {
  readonly #emitter = new EventEmitter({ captureRejections: false })

  constructor() {
    this.#emitter.setMaxListeners(0)
  }

  /** Returns a function that removes the listener. */
  on<Name extends keyof Events & string>(name: Name, listener: (...args: Events[Name]) => void): () => void {
    this.#emitter.on(name, listener as (...args: unknown[]) => void)
    return () => this.#emitter.off(name, listener as (...args: unknown[]) => void)
  }

  once<Name extends keyof Events & string>(name: Name, listener: (...args: Events[Name]) => void): () => void {
    this.#emitter.once(name, listener as (...args: unknown[]) => void)
    return () => this.#emitter.off(name, listener as (...args: unknown[]) => void)
  }

  protected emit<Name extends keyof Events & string>(name: Name, ...args: Events[Name]): boolean {
    return this.#emitter.emit(name, ...args)
  }

  protected removeAllListeners(): void {
    this.#emitter.removeAllListeners()
  }
}
