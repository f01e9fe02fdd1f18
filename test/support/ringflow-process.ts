import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The command line as it is installed. */
export const RINGFLOW_MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

export interface Line {
  type: string
  [field: string]: unknown
}

/** `ringflow` as a person starts it, with --json unless `json` is false. */
export class Ringflow {
  readonly lines: Line[] = []
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown[]>
  readonly #waiting = new Set<() => void>()
  #out = ''
  #err = ''

  constructor(args: string[], env: NodeJS.ProcessEnv = {}, json = true) {
    this.#process = spawn(process.execPath, [RINGFLOW_MAIN, ...args, ...(json ? ['--json'] : [])], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#exited = once(this.#process, 'close')
    this.#process.stderr?.on('data', (text) => {
      this.#err += text
    })
    createInterface({ input: this.#process.stdout as NodeJS.ReadableStream }).on('line', (text) => {
      this.#out += `${text}\n`
      if (json) this.lines.push(JSON.parse(text))
      for (const look of [...this.#waiting]) look()
    })
  }

  /** Resolves with the first line of that type; rejects when the process ends without one. */
  line(type: string): Promise<Line> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.lines.find((line) => line.type === type)
        if (!found) return
        this.#waiting.delete(look)
        resolve(found)
      }
      this.#waiting.add(look)
      look()
      this.#exited.then(() => reject(new Error(`ended without “${type}”: ${this.#err}`)))
    })
  }

  /** Resolves when the output matches; rejects when the process ends before. */
  text(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!pattern.test(this.#out)) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
      this.#exited.then(() => reject(new Error(`ended without ${pattern}: ${this.#err}`)))
    })
  }

  /** Closes the output early, as `| head` does. */
  stopReading(): void {
    this.#process.stdout?.destroy()
  }

  interrupt(): void {
    this.#process.kill('SIGINT')
  }

  async exit(): Promise<{ code: unknown; out: string; err: string; last: Line | undefined }> {
    const [code] = await this.#exited
    return { code, out: this.#out, err: this.#err, last: this.lines.at(-1) }
  }

  /** Ends processes that a failed test has left running. */
  kill(): void {
    if (this.#process.exitCode === null) this.#process.kill('SIGKILL')
  }
}
