import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sine, writeWav } from '../audio.js'
import { freePort } from './free-port.js'
import { peerFolder } from './peer-folder.js'
import { PeerProcess } from './peer-process.js'

const LOOPBACK = '127.0.0.1'
const TONE_MS = 20_000
const END_MS = 4000

export interface LinphoneInit {
  name: string
  /** The sine that it sends. */
  toneHz: number
  protocol: 'udp' | 'tcp'
  /** Where and as whom it registers, and the proxy of its calls. */
  registrar: { address: string; aor: string; realm: string; password: string }
  autoAnswer?: boolean
}

/** A headless linphonec (liblinphone, belle-sip, oRTP) on loopback with files for a sound card, driven line by line as by hand. */
export class Linphone {
  readonly process: PeerProcess
  /** What it has heard, all calls in one; complete only after `stop`. */
  readonly heard: string

  private constructor(process: PeerProcess, heard: string) {
    this.process = process
    this.heard = heard
  }

  static async start(init: LinphoneInit): Promise<Linphone> {
    const home = peerFolder.folder(init.name)
    mkdirSync(join(home, '.local/share/linphone'), { recursive: true })
    const [file, tone, heard] = [join(home, 'linphonerc'), join(home, 'tone.wav'), join(home, 'heard.wav')]
    writeFileSync(file, configuration(init, await freePort(), await freePort()))
    writeWav(tone, sine(init.toneHz, TONE_MS))
    const args = ['-c', file, '-d', '6', '-l', join(home, 'linphone.log'), ...(init.autoAnswer ? ['-a'] : [])]
    const process = new PeerProcess({ name: init.name, command: 'linphonec', args, home, takesInput: true })
    for (const line of ['soundcard use files', `play ${tone}`, `record ${heard}`]) process.write(line)
    const linphone = new Linphone(process, heard)
    try {
      await linphone.#registered()
    } catch (error) {
      await process.stop()
      throw error
    }
    return linphone
  }

  /** A command of its own (`call`, `answer`, `pause`, `terminate`), or one digit, which it sends. */
  command(line: string): void {
    this.process.write(line)
  }

  line(pattern: RegExp): Promise<string> {
    return this.process.line(pattern)
  }

  /** The digits that it has heard so far. */
  digits(): string {
    return this.process.lines.flatMap((line) => /Receiving tone (.) from/.exec(line)?.[1] ?? []).join('')
  }

  /** By its own command: it un-registers and completes the header of its recording. */
  async stop(): Promise<void> {
    this.process.write('quit')
    await Promise.race([this.process.exited, delay(END_MS, undefined, { ref: false })])
    await this.process.stop()
  }

  /** It says so only when asked. */
  async #registered(): Promise<void> {
    const isRegistered = this.line(/^(linphonec> )?registered, identity/)
    let isOver = false
    const over = () => {
      isOver = true
    }
    isRegistered.then(over, over)
    while (!isOver) {
      this.process.write('status register')
      await delay(100)
    }
    await isRegistered
  }
}

function configuration({ registrar, protocol }: LinphoneInit, sipPort: number, rtpPort: number): string {
  const { address, aor, realm, password } = registrar
  const user = aor.split('@')[0]
  return `[sip]
sip_port=${protocol === 'udp' ? sipPort : 0}
sip_tcp_port=${protocol === 'tcp' ? sipPort : 0}
sip_tls_port=0
bind_address=${LOOPBACK}
use_ipv6=0
guess_hostname=0
default_proxy=0
register_only_when_network_is_up=0
[rtp]
audio_rtp_port=${rtpPort}
[net]
firewall_policy=none
[auth_info_0]
username=${user}
passwd=${password}
realm=${realm}
[proxy_0]
reg_proxy=<sip:${address};transport=${protocol}>
reg_route=<sip:${address};transport=${protocol};lr>
reg_identity=<sip:${aor}>
reg_expires=60
reg_sendregister=1
`
}
