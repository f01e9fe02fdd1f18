import type { Transferable } from 'node:worker_threads'
import { type PlainError, TelephonyError } from './errors.js'

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

// biome-ignore lint/suspicious/noExplicitAny: the argument is contravariant; each command names its own
export type Commands = { [op: string]: (arg: any) => unknown }
type Arg<C extends Commands, Op extends keyof C> = Parameters<C[Op]>[0]
type Result<C extends Commands, Op extends keyof C> = Awaited<ReturnType<C[Op]>>

/** The asking side: `call` resolves with the reply, `onEvent` hears what the other side tells. */
export class RpcClient<C extends Commands, E extends { [name: string]: unknown }> {
  readonly #port: RpcPort
  readonly #pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  #next = 1
  #closed: TelephonyError | undefined

  constructor(port: RpcPort, onEvent: <Name extends keyof E & string>(name: Name, data: E[Name]) => void) {
    this.#port = port
    port.on('message', (raw) => {
      const message = raw as Message
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
      try {
        this.#port.postMessage({ i, op, a: arg } satisfies Message, transfer)
      } catch (error) {
        this.#pending.delete(i)
        reject(TelephonyError.from(error, 'BAD_ARGUMENT'))
      }
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
): <Name extends keyof E & string>(name: Name, data: E[Name], transfer?: readonly Transferable[]) => void {
  const table = new Map<string, C[string]>(Object.entries(handlers) as [string, C[string]][])
  port.on('message', (raw) => {
    const message = raw as Message
    if (!('op' in message)) return
    void answer(message.i, message.op, message.a)
  })

  async function answer(i: number, op: string, arg: unknown): Promise<void> {
    try {
      const handler = table.get(op)
      if (!handler) throw new TelephonyError('BAD_ARGUMENT', `unknown command ${op}`)
      port.postMessage({ re: i, r: await handler(arg) } satisfies Message)
    } catch (error) {
      port.postMessage({ re: i, e: TelephonyError.from(error).toPlain() } satisfies Message)
    }
  }

  return (name, data, transfer) => port.postMessage({ ev: name, d: data } satisfies Message, transfer)
}
