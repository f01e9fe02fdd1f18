/** A network namespace of its own, joined to this one by a cable: what a program in it sends goes through real interfaces. Needs root. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { until } from './wait.js'

const OUR_END = 'cable0'
const ITS_END = 'cable1'

export class OtherMachine {
  /** Addresses of both ends. */
  readonly ours: string
  readonly its: string
  readonly #holder: ChildProcess

  static async start(ours = '10.77.0.1', its = '10.77.0.2'): Promise<OtherMachine> {
    const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' })
    const machine = new OtherMachine(holder, ours, its)
    try {
      await until(() => machine.#isApart(), 'the other network namespace')
      ip('link', 'add', OUR_END, 'type', 'veth', 'peer', 'name', ITS_END, 'netns', String(holder.pid))
      ip('addr', 'add', `${ours}/24`, 'dev', OUR_END)
      ip('link', 'set', OUR_END, 'up')
      machine.#run('ip', 'addr', 'add', `${its}/24`, 'dev', ITS_END)
      machine.#run('ip', 'link', 'set', 'lo', 'up')
      machine.plugIn()
      return machine
    } catch (error) {
      await machine.close()
      throw error
    }
  }

  private constructor(holder: ChildProcess, ours: string, its: string) {
    this.#holder = holder
    this.ours = ours
    this.its = its
  }

  /** Words that a command line begins with to run there. */
  get prefix(): string[] {
    return ['nsenter', '-t', String(this.#holder.pid), '-n']
  }

  pullOut(): void {
    this.#run('ip', 'link', 'set', ITS_END, 'down')
  }

  plugIn(): void {
    this.#run('ip', 'link', 'set', ITS_END, 'up')
  }

  /** Gives our end another address. */
  moveUs(from: string, to: string): void {
    ip('addr', 'del', `${from}/24`, 'dev', OUR_END)
    ip('addr', 'add', `${to}/24`, 'dev', OUR_END)
  }

  /** The cable goes with the namespace. */
  async close(): Promise<void> {
    const exited = once(this.#holder, 'exit')
    this.#holder.kill('SIGKILL')
    await exited
  }

  #isApart(): boolean {
    const namespace = (pid: number | string) => execFileSync('readlink', [`/proc/${pid}/ns/net`]).toString()
    return this.#holder.pid !== undefined && namespace(this.#holder.pid) !== namespace('self')
  }

  #run(...command: string[]): void {
    const [program = '', ...args] = [...this.prefix, ...command]
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  }
}

const ip = (...args: string[]): void => {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
