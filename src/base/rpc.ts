import type { Transferable } from 'node:worker_threads'
import { type PlainError, TelephonyError } from './errors.js'
import { TransientMap } from './transient-map.js'

/** Messages between the threads: `{i, op, a}` is a request, `{re, r}` or `{re, e}` a reply, `{op, a}` a request without a reply, `{ev, d}` an event. Plain data only. */
type Message =
  | { i: number; op: string; a: unknown }
  | { op: string; a: unknown }
  | { re: number; r: unknown }
  | { re: number; e: PlainError }
  | { ev: string; d: unknown }

/** The part of a MessagePort, a Worker or parentPort that both ends of the RPC use. */
export interface RpcPort {
  postMessage(message: unknown, transfer?: readonly Transferable[]): void
  on(event: 'message', listener: (message: unknown) => void): unknown
}

export interface RpcOptions {
  /**
   * Everything sent within one turn of the event loop crosses as one message: waking the other thread costs more than the
   * data. Not for a thread whose code may block the turn, because the data would wait too.
   */
  batched?: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: the argument is contravariant; each command names its own
export type Commands = { [op: string]: (arg: any) => unknown }
type Arg<C extends Commands, Op extends keyof C> = Parameters<C[Op]>[0]
type Result<C extends Commands, Op extends keyof C> = Awaited<ReturnType<C[Op]>>

/** The requesting side: `call` resolves with the reply, `onEvent` receives the events of the other side. */
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

  /** A request without a reply: the waking of this thread for a reply would cost more than the request. After `close` it has no effect. */
  tell<Op extends keyof C & string>(op: Op, arg: Arg<C, Op>): void {
    if (!this.#closed) this.#outbox.post({ op, a: arg })
  }

  /** Rejects pending requests and every later one. Idempotent. */
  close(reason: TelephonyError): void {
    this.#closed ??= reason
    for (const { reject } of this.#pending.values()) reject(reason)
    this.#pending.clear()
  }
}

export interface ServeOptions extends RpcOptions {
  /** Called with the error of a request without a reply. */
  failed?: (arg: unknown, error: TelephonyError) => void
}

/** The answering side. Returns the function that sends events. When a handler throws, the reply carries its error. */
export function serveRpc<C extends Commands, E extends { [name: string]: unknown }>(
  port: RpcPort,
  handlers: C,
  options: ServeOptions = {},
): Tell<E> {
  const outbox = new Outbox(port, options)
  const table = new Map<string, C[string]>(Object.entries(handlers) as [string, C[string]][])
  onEach(port, (message) => {
    if (!('op' in message)) return
    if ('i' in message) void answer(message.i, message.op, message.a)
    else void obey(message.op, message.a)
  })

  async function handle(op: string, arg: unknown): Promise<unknown> {
    const handler = table.get(op)
    if (!handler) throw new TelephonyError('BAD_ARGUMENT', `unknown command ${op}`)
    return handler(arg)
  }

  async function answer(i: number, op: string, arg: unknown): Promise<void> {
    const failed = (error: unknown) => outbox.post({ re: i, e: TelephonyError.from(error).toPlain() })
    try {
      outbox.post({ re: i, r: await handle(op, arg) }, undefined, failed)
    } catch (error) {
      failed(error)
    }
  }

  async function obey(op: string, arg: unknown): Promise<void> {
    try {
      await handle(op, arg)
    } catch (error) {
      options.failed?.(arg, TelephonyError.from(error))
    }
  }

  const tell = (name: string, data: unknown, transfer?: readonly Transferable[]) =>
    outbox.post({ ev: name, d: data }, transfer)
  return Object.assign(tell, { flush: () => outbox.flush() })
}

export interface Tell<E extends { [name: string]: unknown }> {
  <Name extends keyof E & string>(name: Name, data: E[Name], transfer?: readonly Transferable[]): void
  /** Sends at once what waits for the end of this turn; needed before the thread ends. */
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

/** Messages on their way to the other side; several cross together as an array. */
class Outbox {
  readonly #port: RpcPort
  readonly #batched: boolean
  #waiting: Letter[] = []

  constructor(port: RpcPort, { batched = false }: RpcOptions) {
    this.#port = port
    this.#batched = batched
  }

  /** `failed` is called for a message that cannot be cloned; without it, the error is thrown. */
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
      // One message cannot be cloned: the others are sent one by one.
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

/** An exception in one listener goes to the thread and does not stop the other messages. */
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
