import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { hostPort } from '../../../src/base/host-port.js'

import { authority, type MadeCertificate } from '../certificates.js'
import { repoPath } from '../repo.js'
import { freePort } from './free-port.js'
import { peerFolder } from './peer-folder.js'
import { PeerProcess, peerPath } from './peer-process.js'

const run = promisify(execFile)
const LOOPBACK = '127.0.0.1'

interface KamailioInit {
  name?: string
  /** A loopback address of either family; it listens on UDP and TCP. */
  host?: string
  /** Any free one unless given. */
  port?: number
  /** Listens on TLS in place of TCP, with this certificate. */
  tls?: MadeCertificate
  /** Words that its command line begins with, to run it on another machine. */
  prefix?: readonly string[]
}

export interface RegistrarInit extends KamailioInit {
  /** Kamailio 5.6 offers one per challenge. */
  algorithm?: 'MD5' | 'SHA-256'
  realm?: string
  /** Quality of protection that a challenge asks for. Kamailio 5.6 can ask for auth-int but not verify it. */
  qop?: 'none' | 'auth' | 'auth-int'
  /** Records its route without `lr`. */
  strict?: boolean
  /** INVITE is challenged with 407 too. */
  challengeCalls?: boolean
  /** Drops an ACK without credentials. */
  challengeAcks?: boolean
  /** Refuses with 403 what comes from anywhere else: `host:port` of the proxy in front. */
  onlyFrom?: string
  minExpiresSec?: number
  /** Takes WebSocket connections at its port, with `tls` those of WSS. */
  webSocket?: boolean
}

export interface EdgeInit extends KamailioInit {
  /** `host:port` of the proxy behind. */
  next: string
  /** Refuses with 403 an initial request that carries no Route to this proxy. */
  mustRoute?: boolean
  /** Records its route without `lr`. */
  strict?: boolean
}

export interface Binding {
  aor: string
  contact: string
  expiresSec: number
  callId: string
  cseq: number
  userAgent: string
  /** Last change, seconds since 1970. */
  modifiedSec: number
}

/** A Kamailio of our own, in memory, on loopback, in the foreground. */
export class Kamailio {
  readonly host: string
  readonly port: number
  readonly process: PeerProcess
  readonly #control: string

  private constructor(init: { host: string; port: number; process: PeerProcess; control: string }) {
    this.host = init.host
    this.port = init.port
    this.process = init.process
    this.#control = init.control
  }

  get address(): string {
    return hostPort(this)
  }

  /** Registrar with digest authentication and loose-routing proxy for its users: alice/secret-a, bob/secret-b, u0 to u9999/pw. */
  static registrar(init: RegistrarInit = {}): Promise<Kamailio> {
    return Kamailio.#start({ name: 'registrar', ...init }, 'registrar.cfg', [
      `ALGO="${init.algorithm ?? 'MD5'}"`,
      `REALM="${init.realm ?? 'sip.test'}"`,
      `CHAL="${['none', 'auth', 'auth-int'].indexOf(init.qop ?? 'auth')}"`,
      ...(init.strict ? ['STRICT'] : []),
      `MIN_EXPIRES=${init.minExpiresSec ?? 10}`,
      ...(init.challengeCalls ? ['AUTH_CALLS'] : []),
      ...(init.challengeAcks ? ['AUTH_ACKS'] : []),
      ...(init.webSocket ? ['WITH_WS'] : []),
      ...(init.onlyFrom ? [`ONLY_FROM="${init.onlyFrom}"`] : []),
    ])
  }

  /** Loose-routing outbound proxy that adds Path and Record-Route. */
  static async edge(init: EdgeInit): Promise<Kamailio> {
    const defines = [
      `NEXT="sip:${init.next}"`,
      ...(init.mustRoute ? ['MUST_ROUTE'] : []),
      ...(init.strict ? ['STRICT'] : []),
    ]
    return Kamailio.#start({ name: 'edge', ...init }, 'edge.cfg', defines)
  }

  /** Load balancer in front of these nodes, `host:port`. */
  static dispatcher(init: KamailioInit & { nodes: readonly string[] }): Promise<Kamailio> {
    const list = peerFolder.file('nodes.list')
    writeFileSync(list, init.nodes.map((node) => `1 sip:${node}\n`).join(''))
    return Kamailio.#start({ name: 'dispatcher', ...init }, 'dispatcher.cfg', [`LIST="${list}"`])
  }

  static async #start(
    { name, port: wanted, host = LOOPBACK, tls, prefix = [] }: KamailioInit & { name: string },
    config: string,
    defines: string[],
  ): Promise<Kamailio> {
    const port = wanted ?? (await freePort())
    const folder = peerFolder.folder(name)
    const control = `${folder}/ctl`
    const args = ['-f', repoPath('test/support/peers/kamailio', config), '-Y', folder, '-w', folder]
    const { certificateFile, keyFile } = tls ?? {}
    const certificates = tls
      ? ['WITH_TLS', `CERT="${certificateFile}"`, `KEY="${keyFile}"`, `CA="${authority.caFile}"`]
      : []
    for (const define of [...defines, ...certificates, `CTLSOCK="unix:${control}"`]) args.push('-A', define)
    // -DD: in the foreground, with workers; -E: log to stderr; -m, -M: memory in MB; -n: workers per socket.
    args.push('-DD', '-E', '-m', '64', '-M', '8', '-n', '2', '-N', '2')
    for (const protocol of ['udp', tls ? 'tls' : 'tcp']) args.push('-l', `${protocol}:${hostPort({ host, port })}`)
    const [command = '', ...words] = [...prefix, 'kamailio', ...args]
    const process = new PeerProcess({ name: `kamailio-${name}`, command, args: words })
    const kamailio = new Kamailio({ host, port, process, control })
    try {
      await kamailio.#ready()
    } catch (error) {
      await process.stop()
      throw error
    }
    return kamailio
  }

  /** It says nothing when it is ready, but then its control socket and, last of all, its TCP port take connections. */
  async #ready(): Promise<void> {
    let hasEnded = false
    void this.process.exited.then(() => {
      hasEnded = true
    })
    for (let tries = 0; !hasEnded && tries < 500; tries++) {
      if ((await takesConnections({ path: this.#control })) && (await takesConnections(this))) return
      await delay(20)
    }
    throw new Error(`Kamailio did not start:\n${this.process.lines.slice(-15).join('\n')}`)
  }

  async rpc(...words: string[]): Promise<string> {
    const { stdout } = await run('kamcmd', ['-s', `unix:${this.#control}`, ...words], {
      timeout: 5000,
      env: { ...process.env, PATH: peerPath },
    })
    return stdout
  }

  /** What the location table holds for this user now. */
  async bindings(user: string): Promise<Binding[]> {
    return parseLocation(await this.rpc('ul.dump')).filter((b) => b.aor === user || b.aor.startsWith(`${user}@`))
  }

  /** Lets it call this address for the user, next to those that are registered. */
  async bind(user: string, contact: string): Promise<void> {
    const [expiresSec, q, path, flags, methods] = ['600', '1.0', 's:0', ['0', '0'], '8191'] as const
    const answer = await this.rpc('ul.add', 'location', user, contact, expiresSec, q, path, ...flags, methods)
    if (answer.startsWith('error')) throw new Error(`ul.add: ${answer}`)
  }

  stop(): Promise<void> {
    return this.process.stop('SIGTERM', 5000)
  }
}

const takesConnections = (to: { path: string } | { host: string; port: number }): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = 'path' in to ? connect(to.path) : connect(to.port, to.host)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/** `ul.dump` prints nested `Name: value` lines, one `AoR:` before its contacts, one `Address:` first of each. */
export function parseLocation(dump: string): Binding[] {
  const bindings: Binding[] = []
  let aor = ''
  let fields = new Map<string, string>()
  const finish = () => {
    if (fields.size > 0) bindings.push(toBinding(aor, fields))
    fields = new Map()
  }
  for (const line of dump.split('\n')) {
    const [, name = '', value = ''] = /^\s*([\w-]+):\s*(.*)$/.exec(line) ?? []
    if (name === 'AoR') {
      finish()
      aor = value
    } else if (name === 'Address') {
      finish()
      fields.set(name, value)
    } else if (name && fields.size > 0 && !fields.has(name)) fields.set(name, value)
  }
  finish()
  return bindings
}

function toBinding(aor: string, fields: Map<string, string>): Binding {
  return {
    aor,
    contact: fields.get('Address') ?? '',
    // "deleted" and "expired" are told in words
    expiresSec: Number.parseInt(fields.get('Expires') ?? '', 10) || 0,
    callId: fields.get('Call-ID') ?? '',
    cseq: Number(fields.get('CSeq') ?? 0),
    userAgent: fields.get('User-Agent') ?? '',
    modifiedSec: Number(fields.get('Last-Modified') ?? 0),
  }
}
