import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { ChildCommands, ChildInit } from './engine-child-commands.js'

/** An engine in a process of its own, so that its memory, threads and main thread are its own. */
export class EngineChild {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  #next = 1
  #local = { host: '', port: 0 }

  /** `prefix`: words that its command line begins with, to run it on another machine. */
  static async start(init: ChildInit, prefix: readonly string[] = []): Promise<EngineChild> {
    const child = new EngineChild(prefix)
    child.#local = await child.call('start', init)
    return child
  }

  private constructor(prefix: readonly string[]) {
    const [execPath = '', ...words] = [...prefix, process.execPath]
    this.#process = fork(join(import.meta.dirname, 'engine-child-main.js'), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execPath,
      execArgv: [...words, '--expose-gc'],
    })
    this.#process.on('message', (message: { re: number; r?: unknown; e?: string }) => {
      const waiting = this.#waiting.get(message.re)
      this.#waiting.delete(message.re)
      if (message.e === undefined) waiting?.resolve(message.r as never)
      else waiting?.reject(new Error(message.e))
    })
    this.#process.once('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`the engine's process ended: ${signal ?? code}`))
      this.#waiting.clear()
    })
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  get local(): { host: string; port: number } {
    return this.#local
  }

  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  call<Op extends keyof ChildCommands>(
    op: Op,
    arg: Parameters<ChildCommands[Op]>[0],
  ): Promise<Awaited<ReturnType<ChildCommands[Op]>>> {
    return new Promise((resolve, reject) => {
      const i = this.#next++
      this.#waiting.set(i, { resolve, reject })
      this.#process.send({ i, op, a: arg })
    })
  }

  async close(): Promise<void> {
    if (!this.alive) return
    const exited = once(this.#process, 'exit')
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), 10_000)
    await this.call('close', null).catch(() => undefined)
    await exited
    clearTimeout(kill)
  }
}
