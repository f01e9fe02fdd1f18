import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { hostPort } from '../../../src/base/host-port.js'

import { freePort } from './free-port.js'
import { peerFolder } from './peer-folder.js'
import { PeerProcess } from './peer-process.js'
import { type Step, scenario } from './sipp-scenario.js'

const LOOPBACK = '127.0.0.1'

export interface SippInit {
  name: string
  steps: readonly Step[]
  /** Ends by itself after so many calls. A callee without it runs until it is stopped. */
  calls?: number
  /** Calls per second. */
  rate?: number
  /** Calls at once. */
  limit?: number
  holdMs?: number
  /** `host:port` that a caller calls; absent for a callee. */
  target?: string
  /** User part of the Request-URI; that of our test account unless given. */
  user?: string
  /** Sends every RTP packet back to where it came from. */
  echoRtp?: boolean
  /** Keeps all messages, see `messages`. */
  trace?: boolean
  /** A repeated message is told to the scenario instead of being taken for a retransmission. */
  seesRetransmissions?: boolean
  /** A call that hears nothing for so long has failed. */
  timeoutSec?: number
  /** Set-up times are written after each so many calls (default 1); a rest is lost. SIPp's CPU per call is a tenth less with 100. */
  setupTimesEvery?: number
  mediaPort?: number
  protocol?: 'udp' | 'tcp'
  /** A loopback address of either family. */
  host?: string
}

export interface SippFigures {
  created: number
  ok: number
  failed: number
  retransmissions: number
  /** INVITE to 200 of every call, ms, ascending; SIPp counts in whole milliseconds. Empty for a callee. */
  setupMs: number[]
}

/** One SIPp, caller or callee. */
export class Sipp {
  readonly address: string
  readonly process: PeerProcess
  readonly #file: (suffix: string) => string

  private constructor(init: { address: string; process: PeerProcess; file: (suffix: string) => string }) {
    this.address = init.address
    this.process = init.process
    this.#file = init.file
  }

  static async start(init: SippInit): Promise<Sipp> {
    const port = await freePort()
    const file = (suffix: string) => peerFolder.file(`sipp-${init.name}${suffix}`)
    writeFileSync(file('.xml'), scenario(init.name, init.steps))
    const args = [...(init.target ? [init.target] : []), ...commandLine(init, port, file)]
    const mediaPort = init.mediaPort ?? (await freePort())
    const host = init.host ?? LOOPBACK
    args.push('-mi', host, '-mp', String(mediaPort))
    const process = new PeerProcess({ name: `sipp-${init.name}`, command: 'sipp', args })
    const sipp = new Sipp({ address: hostPort({ host, port }), process, file })
    if (!init.target) await sipp.#listening(port)
    return sipp
  }

  /** Runs to the end; rejects with SIPp's own complaint when a call failed. */
  static async run(init: SippInit & { calls: number }): Promise<SippFigures> {
    const sipp = await Sipp.start(init)
    return sipp.finished()
  }

  /** Waits for the last call. */
  async finished(): Promise<SippFigures> {
    const code = await this.process.exited
    const figures = this.figures()
    if (code !== 0)
      throw new Error(
        `SIPp ended with ${code}: ${JSON.stringify({ ...figures, setupMs: undefined })}\n${this.errors()}`,
      )
    return figures
  }

  /** As of the last line of its statistics, which it writes each second and at its end. */
  figures(): SippFigures {
    const rows = readText(this.#file('.csv')).trim().split('\n')
    const names = (rows[0] ?? '').split(';')
    const last = (rows.at(-1) ?? '').split(';')
    const of = (name: string) => Number(last[names.indexOf(name)] ?? Number.NaN)
    return {
      created: of('TotalCallCreated'),
      ok: of('SuccessfulCall(C)'),
      failed: of('FailedCall(C)'),
      retransmissions: of('Retransmissions(C)'),
      setupMs: responseTimes(readText(this.#file(`_${this.process.pid}_rtt.csv`))),
    }
  }

  /** What SIPp complains about. */
  errors(): string {
    return readText(this.#file('.errors')).slice(0, 4000)
  }

  /** Every message, in order; needs `trace`. */
  messages(): SippMessage[] {
    return parseMessages(readText(this.#file('.messages')))
  }

  /** SIGUSR1 lets a callee end its calls first. */
  async stop(): Promise<void> {
    await this.process.stop('SIGTERM')
  }

  /** SIPp says nothing when it is ready. */
  async #listening(port: number): Promise<void> {
    const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} `
    const listens = (table: string) => readText(`/proc/net/${table}`).includes(wanted)
    for (let tries = 0; tries < 250; tries++) {
      if (['udp', 'udp6', 'tcp', 'tcp6'].some(listens)) return
      await delay(20)
    }
    await this.process.stop()
    throw new Error(`SIPp does not listen on ${port}:\n${this.process.lines.join('\n')}`)
  }
}

const timeoutSec = (init: SippInit): number => init.timeoutSec ?? 15

function commandLine(init: SippInit, port: number, file: (suffix: string) => string): string[] {
  const args = ['-sf', file('.xml'), '-i', init.host ?? LOOPBACK, '-p', String(port), '-nostdin']
  // One socket for all calls.
  args.push('-t', init.protocol === 'tcp' ? 't1' : 'u1', '-timer_resol', '1')
  args.push('-trace_err', '-error_file', file('.errors'), '-trace_stat', '-stf', file('.csv'), '-fd', '1')
  args.push('-buff_size', '4194304', '-d', String(init.holdMs ?? 0), '-recv_timeout', String(timeoutSec(init) * 1000))
  if (init.calls !== undefined) args.push('-m', String(init.calls))
  if (init.target) {
    args.push('-s', init.user ?? 'ringflow', '-r', String(init.rate ?? 10), '-l', String(init.limit ?? 1000))
    args.push('-trace_rtt', '-rtt_freq', String(init.setupTimesEvery ?? 1))
  }
  if (init.echoRtp) args.push('-rtp_echo')
  if (init.trace) args.push('-trace_msg', '-message_file', file('.messages'))
  if (init.seesRetransmissions) args.push('-nr')
  return args
}

export interface SippMessage {
  direction: 'sent' | 'received'
  /** SIPp's wall clock, ms. */
  atMs: number
  startLine: string
  text: string
}

/** Blocks of `---- 2026-11-20 05:20:01.123456`, `UDP message received [612] bytes :`, an empty line, the message. */
function parseMessages(log: string): SippMessage[] {
  const messages: SippMessage[] = []
  for (const block of log.split(/^-{20,} /m)) {
    const [, at = '', direction, text = ''] =
      /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+).*\n.*message (sent|received).*\n\r?\n([\s\S]*)$/.exec(block) ?? []
    if (direction !== 'sent' && direction !== 'received') continue
    messages.push({ direction, atMs: Date.parse(at), startLine: text.split(/\r?\n/)[0] ?? '', text })
  }
  return messages
}

const responseTimes = (csv: string): number[] =>
  csv
    .split('\n')
    .map((row) => Number.parseFloat(row.split(';')[1] ?? ''))
    .filter((ms) => !Number.isNaN(ms))
    .sort((a, b) => a - b)

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
