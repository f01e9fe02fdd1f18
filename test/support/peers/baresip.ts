import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostPort } from '../../../src/base/host-port.js'

import { authority, type MadeCertificate } from '../certificates.js'
import { BaresipControl } from './baresip-control.js'
import { freePort } from './free-port.js'
import { peerFolder } from './peer-folder.js'
import { PeerProcess } from './peer-process.js'

const LOOPBACK = '127.0.0.1'

export interface BaresipInit {
  name: string
  /** The sine that it sends, or a WAV file (mono, 16 bit) that it plays. */
  sends?: { toneHz: number } | { wav: string; sampleRate: number }
  /** Answers by itself. */
  autoAnswer?: boolean
  /** Account parameters in addition, e.g. `auth_user=bob;auth_pass=secret-b;outbound="sip:127.0.0.1:5060"`. */
  account?: string
  /** AOR, `sip:name@address` unless given. */
  aor?: string
  /** Records what it hears. */
  record?: boolean
  maxCalls?: number
  /** A loopback address of either family; it listens on UDP and TCP. */
  host?: string
  /** By which it calls and registers. */
  protocol?: 'udp' | 'tcp' | 'tls'
  /** For TLS. */
  certificate?: MadeCertificate
}

/** A headless baresip 1.0 on loopback, driven by its control socket. */
export class Baresip {
  readonly name: string
  readonly uri: string
  readonly address: string
  readonly process: PeerProcess
  readonly control: BaresipControl
  readonly #folder: string

  private constructor(init: {
    name: string
    host: string
    port: number
    process: PeerProcess
    control: BaresipControl
    folder: string
  }) {
    this.name = init.name
    this.address = hostPort(init)
    this.uri = `sip:${init.name}@${this.address}`
    this.process = init.process
    this.control = init.control
    this.#folder = init.folder
  }

  static async start(init: BaresipInit): Promise<Baresip> {
    const host = init.host ?? LOOPBACK
    const [base, controlPort] = [await freePort(), await freePort()]
    // Its TLS listener is at the next port.
    const port = init.protocol === 'tls' ? base + 1 : base
    const folder = peerFolder.folder(init.name)
    const recordings = peerFolder.folder(`${init.name}/rec`)
    const aor = init.aor ?? `sip:${init.name}@${hostPort({ host, port })}`
    const parameters = [init.account ?? 'regint=0', ...(init.autoAnswer ? ['answermode=auto'] : [])].join(';')
    writeFileSync(join(folder, 'config'), configuration({ ...init, host, port: base, controlPort, recordings }))
    writeFileSync(
      join(folder, 'accounts'),
      `<${aor}${init.protocol === undefined || init.protocol === 'udp' ? '' : `;transport=${init.protocol}`}>;${parameters}\n`,
    )
    writeFileSync(join(folder, 'contacts'), '')
    const process = new PeerProcess({
      name: `baresip-${init.name}`,
      command: 'baresip',
      args: [host.includes(':') ? '-6' : '-4', '-v', '-s', '-f', folder],
      cwd: recordings,
    })
    try {
      await process.line(/baresip is ready/)
      const control = await BaresipControl.connect(controlPort)
      return new Baresip({ name: init.name, host, port, process, control, folder })
    } catch (error) {
      await process.stop('SIGINT')
      throw error
    }
  }

  /** Resolves when its registrar has accepted it. */
  async registered(): Promise<void> {
    await this.process.line(/\[1 binding/)
  }

  /** What it has heard, oldest first; complete only after `stop`. */
  heard(): string[] {
    const folder = join(this.#folder, 'rec')
    return readdirSync(folder)
      .filter((file) => file.endsWith('dec.wav'))
      .sort()
      .map((file) => join(folder, file))
  }

  /** By SIGINT: it hangs up, un-registers and completes the headers of its recordings. */
  async stop(): Promise<void> {
    this.control.close()
    await this.process.stop('SIGINT')
  }
}

function configuration(
  init: BaresipInit & { host: string; port: number; controlPort: number; recordings: string },
): string {
  const sends = init.sends ?? { toneHz: 1000 }
  // ausine of 1.0 insists on 48 kHz stereo
  const source = 'wav' in sends ? `aufile,${sends.wav}` : `ausine,${sends.toneHz}`
  const [rate, count] = 'wav' in sends ? [sends.sampleRate, 1] : [48_000, 2]
  const modules = ['g711', ...(init.record === false ? [] : ['sndfile']), 'ausine', 'aufile', 'aubridge']
  const certificates = init.certificate
    ? `sip_certificate ${init.certificate.bothFile}\nsip_cafile ${authority.caFile}\n`
    : ''
  return `${certificates}poll_method          epoll
sip_listen           ${hostPort(init)}
call_local_timeout   120
call_max_calls       ${init.maxCalls ?? 20}
audio_path           /nonexistent
audio_player         aubridge,null
audio_alert          aubridge,null
audio_source         ${source}
ausrc_srate          ${rate}
ausrc_channels       ${count}
audio_level          no
ausrc_format         s16
auplay_format        s16
auenc_format         s16
audec_format         s16
audio_buffer         20-160
audio_txmode         poll
rtp_ports            20000-29999
rtp_stats            yes
rtcp_mux             no
jitter_buffer_delay  5-10
net_interface        ${init.host}
ringback_disabled    yes
statmode_default     off
module_path          /usr/lib/baresip/modules
snd_path             ${init.recordings}
ctrl_tcp_listen      127.0.0.1:${init.controlPort}
${modules.map((name) => `module ${name}.so`).join('\n')}
module_tmp uuid.so
module_tmp account.so
module_app ctrl_tcp.so
module_app debug_cmd.so
module_app menu.so
`
}
