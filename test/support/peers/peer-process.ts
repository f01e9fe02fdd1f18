import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, type WriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { peerFolder } from './peer-folder.js'

const running = new Set<PeerProcess>()

/** Kamailio lies where not everybody looks. */
export const peerPath = `${process.env.PATH}:/usr/sbin:/sbin`

export interface PeerStart {
  /** Names the log file. */
  name: string
  command: string
  args: string[]
  cwd?: string
  /** Its home folder; ours unless given. */
  home?: string
  /** It is told what to do by lines, see `write`. */
  takesInput?: boolean
}

/** A program of somebody else, in a process group of its own, its output kept line by line and in a log file. */
export class PeerProcess {
  readonly name: string
  readonly logFile: string
  readonly lines: string[] = []
  readonly exited: Promise<number | null>
  readonly #child: ChildProcess
  readonly #log: WriteStream
  /** Told each line, and null at the end. */
  readonly #listeners = new Set<(line: string | null) => void>()
  #ended = false
  #stopping: Promise<void> | undefined

  constructor(init: PeerStart) {
    this.name = init.name
    this.logFile = peerFolder.file(`${init.name}.log`)
    this.#log = createWriteStream(this.logFile)
    this.#child = spawn(init.command, init.args, {
      cwd: init.cwd ?? peerFolder.path,
      detached: true,
      stdio: [init.takesInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: peerPath, ...(init.home ? { HOME: init.home } : {}) },
    })
    running.add(this)
    // It may have ended before it has read all.
    this.#child.stdin?.on('error', () => {})
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#onLine(line))
    }
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => this.#onLine(`cannot start ${init.command}: ${error.message}`))
      this.#child.once('error', () => resolve(this.#onEnd(null)))
      this.#child.once('close', (code) => resolve(this.#onEnd(code)))
    })
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error(`${this.name} was not started`)
    return pid
  }

  /** Needs `takesInput`. */
  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** The first line, past ones too, that matches. */
  line(pattern: RegExp, timeoutMs = 10_000): Promise<string> {
    const past = this.lines.find((line) => pattern.test(line))
    if (past !== undefined) return Promise.resolve(past)
    return new Promise((resolve, reject) => {
      const settle = (line: string | undefined, why: string) => {
        clearTimeout(timer)
        this.#listeners.delete(listener)
        if (line !== undefined) resolve(line)
        else reject(new Error(`${this.name}: ${why} before ${pattern}${this.#tail()}`))
      }
      const timer = setTimeout(() => settle(undefined, `${timeoutMs} ms passed`), timeoutMs)
      const listener = (line: string | null) => {
        if (line === null) settle(undefined, 'ended')
        else if (pattern.test(line)) settle(line, '')
      }
      if (this.#ended) settle(undefined, 'ended')
      else this.#listeners.add(listener)
    })
  }

  /** It falls silent: its sockets stay open, and nothing is read from them. `stop` ends it. */
  freeze(): void {
    this.#signal('SIGSTOP')
  }

  /** Idempotent; the whole group is killed when it has not ended by itself after the grace time. */
  stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 3000): Promise<void> {
    this.#stopping ??= this.#stop(signal, graceMs)
    return this.#stopping
  }

  async #stop(signal: NodeJS.Signals, graceMs: number): Promise<void> {
    if (this.#ended) return
    this.#signal('SIGCONT')
    this.#signal(signal)
    const kill = setTimeout(() => this.#signal('SIGKILL'), graceMs)
    await this.exited
    clearTimeout(kill)
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal)
    } catch {
      // gone already
    }
  }

  #onLine(line: string): void {
    this.lines.push(line)
    if (!this.#log.writableEnded) this.#log.write(`${line}\n`)
    this.#tell(line)
  }

  #onEnd(code: number | null): number | null {
    this.#ended = true
    running.delete(this)
    this.#log.end()
    this.#tell(null)
    return code
  }

  #tell(line: string | null): void {
    for (const listener of [...this.#listeners]) listener(line)
  }

  #tail(): string {
    return `\n--- last lines of ${this.logFile}\n${this.lines.slice(-15).join('\n')}`
  }
}

/** For root hooks: whatever a failed test left behind. */
export async function stopAllPeers(): Promise<void> {
  await Promise.all([...running].map((peer) => peer.stop()))
}
