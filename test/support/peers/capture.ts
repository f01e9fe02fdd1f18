import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { peerFolder } from './peer-folder.js'
import { PeerProcess, peerPath } from './peer-process.js'

const run = promisify(execFile)

/** What was on loopback, as Wireshark understands it. */
export class Capture {
  readonly file: string
  readonly #process: PeerProcess

  private constructor(file: string, process: PeerProcess) {
    this.file = file
    this.#process = process
  }

  static async start(name: string): Promise<Capture> {
    const file = peerFolder.file(`${name}.pcapng`)
    const process = new PeerProcess({
      name: `dumpcap-${name}`,
      command: 'dumpcap',
      args: ['-q', '-i', 'lo', '-s', '0', '-B', '32', '-f', 'udp', '-w', file],
    })
    await process.line(/^File:/)
    return new Capture(file, process)
  }

  async stop(): Promise<void> {
    await this.#process.stop('SIGINT')
  }

  /** These fields of each packet that passes the filter. `sipPorts` are dissected as SIP. RTP ports are learnt from SDP. */
  async packets<Field extends string>(
    filter: string,
    fields: readonly Field[],
    sipPorts: readonly string[] = [],
  ): Promise<Record<Field, string>[]> {
    const args = ['-r', this.file, '-Y', filter, '-T', 'fields', '-E', 'occurrence=f']
    for (const port of sipPorts) args.push('-d', `udp.port==${port},sip`)
    for (const field of fields) args.push('-e', field)
    const { stdout } = await run('tshark', args, { maxBuffer: 1 << 28, env: { ...process.env, PATH: peerPath } })
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const values = line.split('\t')
        return Object.fromEntries(fields.map((field, i) => [field, values[i] ?? ''])) as Record<Field, string>
      })
  }
}
