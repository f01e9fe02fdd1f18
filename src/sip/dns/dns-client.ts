import type { Clock } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import {
  encodeQuestion,
  isDomainName,
  type Question,
  type RecordData,
  type RecordType,
  type Reply,
  readReply,
} from './dns-message.js'
import { type DnsServer, serverText } from './dns-server.js'

/** One question to one server. Every datagram or message that comes back is read; undefined: it is not the answer. */
export interface Inquiry<T> {
  /** Rejects if the server cannot be reached. */
  readonly reply: Promise<T>
  /** Idempotent. */
  close(): void
}

export type Inquire = <T>(
  how: 'udp' | 'tcp',
  server: DnsServer,
  question: Buffer,
  read: (bytes: Buffer) => T | undefined,
) => Inquiry<T>

export interface DnsClientDeps {
  clock: Clock
  inquire: Inquire
  servers: () => readonly DnsServer[]
  /** Not predictable: a forged answer has to guess it, and the port (RFC 5452). */
  randomId: () => number
}

export type DnsAnswer<Data> = Extract<Reply<Data>, { kind: 'answer' }>

/** All servers are asked in turn, in rounds with longer waits. */
const ROUNDS_MS = [1_000, 2_000, 3_000]
const LIMIT_MS = 6_000
/** By TCP, after a truncated answer. */
const TCP_MS = 3_000
const MAX_SERVERS = 3

/** Asks DNS servers, with the time that each answer is valid, which `node:dns` does not tell. */
export class DnsClient {
  readonly #deps: DnsClientDeps
  /** It answered last, so it is asked first. */
  #preferred = ''
  /** Ends the questions that run. */
  readonly #running = new Set<() => void>()
  #isClosed = false

  constructor(deps: DnsClientDeps) {
    this.#deps = deps
  }

  /** Rejects with TRANSPORT if no server answers. */
  async query<Type extends RecordType>(name: string, type: Type): Promise<DnsAnswer<RecordData[Type]>> {
    if (!isDomainName(name)) throw new TelephonyError('TRANSPORT', `"${name}" is not a valid host name`)
    const { clock } = this.#deps
    const endMs = clock.now() + LIMIT_MS
    let failure = 'no DNS server is known'
    for (const roundMs of this.#isClosed ? [] : ROUNDS_MS) {
      let wasSilent = false
      for (const server of this.#servers()) {
        const waitMs = Math.min(roundMs, endMs - clock.now())
        if (waitMs <= 0 || this.#isClosed) break
        const reply = await this.#ask(server, { name, type }, waitMs)
        if (reply?.kind === 'answer') {
          this.#preferred = serverText(server)
          return reply
        }
        wasSilent ||= reply === undefined
        failure = `the DNS server ${serverText(server)} ${whatHappened(reply)}`
      }
      // Servers that refuse once do so again.
      if (!wasSilent) break
    }
    throw new TelephonyError('TRANSPORT', failure)
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true
    for (const end of [...this.#running]) end()
  }

  #servers(): readonly DnsServer[] {
    const isPreferred = (server: DnsServer): number => Number(serverText(server) === this.#preferred)
    return this.#deps
      .servers()
      .slice(0, MAX_SERVERS)
      .toSorted((a, b) => isPreferred(b) - isPreferred(a))
  }

  /** Undefined: no answer in time. */
  async #ask<Type extends RecordType>(server: DnsServer, question: Question<Type>, waitMs: number) {
    let reply = await this.#inquire('udp', server, question, { waitMs, extended: true })
    // RFC 6891 7: a server that does not know EDNS.
    const isOld = reply?.kind === 'refused' && (reply.code === 'FORMERR' || reply.code === 'NOTIMP')
    if (isOld) reply = await this.#inquire('udp', server, question, { waitMs, extended: false })
    if (reply?.kind !== 'truncated') return reply
    // RFC 7766 5.
    return this.#inquire('tcp', server, question, { waitMs: TCP_MS, extended: !isOld })
  }

  #inquire<Type extends RecordType>(
    how: 'udp' | 'tcp',
    server: DnsServer,
    question: Question<Type>,
    { waitMs, extended }: { waitMs: number; extended: boolean },
  ): Promise<Reply<RecordData[Type]> | undefined> {
    const { clock, inquire, randomId } = this.#deps
    const id = randomId()
    const inquiry = inquire(how, server, encodeQuestion(id, question, extended), (bytes) =>
      readReply(bytes, id, question),
    )
    return new Promise((resolve) => {
      const finish = (reply: Reply<RecordData[Type]> | undefined): void => {
        this.#running.delete(giveUp)
        timer.cancel()
        inquiry.close()
        resolve(reply)
      }
      const giveUp = (): void => finish(undefined)
      const timer = clock.setTimeout(giveUp, waitMs)
      this.#running.add(giveUp)
      inquiry.reply.then(finish, (error: NodeJS.ErrnoException) =>
        finish({ kind: 'refused', code: error.code ?? error.message }),
      )
    })
  }
}

function whatHappened(reply: Reply<unknown> | undefined): string {
  if (reply === undefined) return 'does not answer'
  return reply.kind === 'refused' ? `reports ${reply.code}` : 'sends only a part of the answer'
}
