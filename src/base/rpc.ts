import type { Transferable } from 'node:worker_threads'
import { type PlainError, TelephonyError } from './errors.js'
import { TransientMap } from './transient-map.js'

/** What crosses: `{i, op, a}` asks, `{re, r}` or `{re, e}` answers, `{ev, d}` tells. Plain data only. */
type Message =
  | { i: number; op: string; a: unknown }
  | { re: number; r: unknown }
  | { re: number; e: PlainError }
  | { ev: string; d: unknown }

/** A MessagePort, a Worker or parentPort: what both ends of the RPC need of it. */
export interface RpcPort {
  postMessage(message: unknown, transfer?: readonly Transferable[]): void
  on(event: 'message', listener: (message: unknown) => void): unknown
}

export interface RpcOptions {
  /**
   * What is said within one turn of the event loop crosses as one message: waking the other thread costs more than what is
   * said. Not for a thread whose code may block the turn: then what was said waits as well.
   */
  batched?: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: the argument is contravariant; each command names its own
export type Commands = { [op: string]: (arg: any) => unknown }
type Arg<C extends Commands, Op extends keyof C> = Parameters<C[Op]>[0]
type Result<C extends Commands, Op extends keyof C> = Awaited<ReturnType<C[Op]>>

/** The asking side: `call` resolves with the reply, `onEvent` hears what the other side tells. */
export class RpcClient<C extends Commands, E extends { [name: string]: unknown }> {
  readonly #outbox: Outbox
  readonly #pending = new TransientMap<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  #next = 1
  #closed: TelephonyError | undefined

  constructor(
    port: RpcPort,
    onEvent: <Name extends keyof E & string>(name: Name, data: E[Name]) => void,
    options: RpcOptions = {},
  ) {
    this.#outbox = new Outbox(port, options)
    onEach(port, (message) => {
      if ('ev' in message) return onEvent(message.ev, message.d as E[string])
      if (!('re' in message)) return
      const waiting = this.#pending.get(message.re)
      this.#pending.delete(message.re)
      if ('e' in message) waiting?.reject(new TelephonyError(message.e.code, message.e.message))
      else waiting?.resolve(message.r as never)
    })
  }

  call<Op extends keyof C & string>(
    op: Op,
    arg: Arg<C, Op>,
    transfer?: readonly Transferable[],
  ): Promise<Result<C, Op>> {
    if (this.#closed) return Promise.reject(this.#closed)
    const i = this.#next++
    return new Promise((resolve, reject) => {
      this.#pending.set(i, { resolve, reject })
      this.#outbox.post({ i, op, a: arg }, transfer, (error) => {
        this.#pending.delete(i)
        reject(TelephonyError.from(error, 'BAD_ARGUMENT'))
      })
    })
  }

  /** Rejects what is waiting and all that is asked from now on. Idempotent. */
  close(reason: TelephonyError): void {
    this.#closed ??= reason
    for (const { reject } of this.#pending.values()) reject(reason)
    this.#pending.clear()
  }
}

/** The answering side. Returns the function that tells events. A handler that throws answers with its error; nothing escapes. */
export function serveRpc<C extends Commands, E extends { [name: string]: unknown }>(
  port: RpcPort,
  handlers: C,
  options: RpcOptions = {},
): Tell<E> {
  const outbox = new Outbox(port, options)
  const table = new Map<string, C[string]>(Object.entries(handlers) as [string, C[string]][])
  onEach(port, (message) => {
    if ('op' in message) void answer(message.i, message.op, message.a)
  })

  async function answer(i: number, op: string, arg: unknown): Promise<void> {
    const failed = (error: unknown) => outbox.post({ re: i, e: TelephonyError.from(error).toPlain() })
    try {
      const handler = table.get(op)
      if (!handler) throw new TelephonyError('BAD_ARGUMENT', `unknown command ${op}`)
      outbox.post({ re: i, r: await handler(arg) }, undefined, failed)
    } catch (error) {
      failed(error)
    }
  }

  const tell = (name: string, data: unknown, transfer?: readonly Transferable[]) =>
    outbox.post({ ev: name, d: data }, transfer)
  return Object.assign(tell, { flush: () => outbox.flush() })
}

export interface Tell<E extends { [name: string]: unknown }> {
  <Name extends keyof E & string>(name: Name, data: E[Name], transfer?: readonly Transferable[]): void
  /** Sends what waits for the end of this turn: before the thread ends. */
  flush(): void
}

interface Letter {
  message: Message
  transfer: readonly Transferable[] | undefined
  failed: (error: unknown) => void
}

const raise = (error: unknown) => {
  throw error
}

/** What is on its way to the other side; several at once as an array. */
class Outbox {
  readonly #port: RpcPort
  readonly #batched: boolean
  #waiting: Letter[] = []

  constructor(port: RpcPort, { batched = false }: RpcOptions) {
    this.#port = port
    this.#batched = batched
  }

  /** `failed` hears of what cannot be cloned; without it, that is thrown. */
  post(message: Message, transfer?: readonly Transferable[], failed: (error: unknown) => void = raise): void {
    const letter = { message, transfer, failed }
    if (!this.#batched) this.#send(letter)
    else if (this.#waiting.push(letter) === 1) setImmediate(() => this.flush())
  }

  flush(): void {
    const letters = this.#waiting
    if (letters.length === 0) return
    this.#waiting = []
    try {
      const messages = letters.map(({ message }) => message)
      const transfer = letters.flatMap((letter) => letter.transfer ?? [])
      this.#port.postMessage(messages.length === 1 ? messages[0] : messages, transfer)
    } catch {
      // One of them cannot be cloned: the others go all the same.
      for (const letter of letters) this.#send(letter)
    }
  }

  #send({ message, transfer, failed }: Letter): void {
    try {
      this.#port.postMessage(message, transfer)
    } catch (error) {
      failed(error)
    }
  }
}

/** What one message's listener throws is the thread's business, and keeps the next one from nobody. */
function onEach(port: RpcPort, listener: (message: Message) => void): void {
  port.on('message', (raw) => {
    if (!Array.isArray(raw)) return listener(raw as Message)
    for (const message of raw as Message[]) {
      try {
        listener(message)
      } catch (error) {
        process.nextTick(raise, error)
      }
    }
  })
}
