import { writeFile } from 'node:fs/promises'
import { TelephonyError } from '../base/errors.js'
import type { Engine, TraceQuery } from '../engine/protocol.js'
import { type Options, UsageError } from './options.js'
import type { Report } from './report.js'

export interface TraceFile {
  path: string
  format: TraceQuery['format']
}

const FORMATS: Readonly<Record<string, TraceFile['format']>> = { txt: 'text', mmd: 'mermaid', pcap: 'pcap' }

export function traceFileFrom(options: Options): TraceFile | undefined {
  const path = options.text('trace-file')
  if (path === undefined) return undefined
  const format = FORMATS[/\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? '']
  if (format) return { path, format }
  throw new UsageError(`--trace-file ${path}: the ending is not known. Use .txt, .mmd or .pcap`)
}

/** The engine with its trace on, which the diagnosis needs. It writes the file before it closes. */
export async function traced(engine: Engine, file: TraceFile | undefined, report: Report): Promise<Engine> {
  await engine.call('setTrace', { on: true, rtp: file?.format === 'pcap' })
  let closing: Promise<void> | undefined
  const close = async () => {
    if (file) await writeTrace(engine, file).catch((error) => report.warn(unwritten(file, error)))
    await engine.close()
  }
  return {
    call: (op, arg) => engine.call(op, arg),
    on: (name, listener) => engine.on(name, listener),
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

async function writeTrace(engine: Engine, { path, format }: TraceFile): Promise<void> {
  const { data } = await engine.call('trace', { format })
  await writeFile(path, data)
}

const unwritten = ({ path }: TraceFile, error: unknown): string =>
  `--trace-file ${path}: the file could not be written: ${TelephonyError.from(error).message}`
