/** The certificate of Node-RED's own web server, `https` in settings.js: listeners for TLS and WSS without files of their own take it. */
import type { Clock, Timer } from '../../src/base/clock.js'
import type { AccountConfig, TransportConfig } from '../../src/engine/protocol.js'
import { TelephonyError } from './errors.js'
import type { RED } from './red.js'

type Pair = NonNullable<NonNullable<TransportConfig['tls']>['pair']>

/** The options of Node's https server that count here. */
interface HttpsOptions {
  cert?: unknown
  key?: unknown
  passphrase?: string
}

interface HttpsSettings {
  https?: unknown
  httpsRefreshInterval?: unknown
}

const HOUR_MS = 3_600_000
/** As in Node-RED's red.js: hours. A timer of Node takes no more than 596. */
const USUAL_HOURS = 12
const MAX_HOURS = 596

interface HttpsCertificateDeps {
  clock: Clock
  /** It is another one than before. */
  renewed: () => void
  problem: (text: string) => void
}

export class HttpsCertificate {
  readonly #deps: HttpsCertificateDeps
  #settings: HttpsSettings = {}
  #pair: Promise<Pair | undefined> | undefined
  #timer: Timer | undefined

  constructor(deps: HttpsCertificateDeps) {
    this.#deps = deps
  }

  configure(RED: RED): void {
    this.#settings = RED.settings as unknown as HttpsSettings
  }

  /** With Node-RED's certificate if the transport listens with one and has none. Rejects with BAD_CONFIG if there is none at all. */
  async complete(config: AccountConfig): Promise<AccountConfig> {
    const { transport } = config
    if (!takesHttps(transport)) return config
    const pair = await this.#current()
    if (!pair) {
      const text =
        'the transport has a TLS or WSS port, but no certificate. Choose its files, or set https in settings.js'
      throw new TelephonyError('BAD_CONFIG', text)
    }
    return { ...config, transport: { ...transport, tls: { ...transport.tls, pair } } }
  }

  /** Idempotent. The certificate is read again when it is needed. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#pair = undefined
  }

  #current(): Promise<Pair | undefined> {
    if (this.#pair) return this.#pair
    const reading = this.#read()
    this.#pair = reading
    reading.catch(() => {
      if (this.#pair === reading) this.#pair = undefined
    })
    this.#schedule()
    return reading
  }

  #schedule(): void {
    const { https, httpsRefreshInterval } = this.#settings
    // Node-RED renews only what a function returns.
    if (!httpsRefreshInterval || typeof https !== 'function') return
    const hours = Math.min(Number.parseFloat(String(httpsRefreshInterval)) || USUAL_HOURS, MAX_HOURS)
    this.#timer?.cancel()
    this.#timer = this.#deps.clock.setTimeout(() => void this.#refresh(), hours * HOUR_MS)
  }

  async #refresh(): Promise<void> {
    this.#schedule()
    const timer = this.#timer
    try {
      const [before, now] = [await this.#pair, await this.#read()]
      if (this.#timer !== timer || !now || JSON.stringify(before) === JSON.stringify(now)) return
      this.#pair = Promise.resolve(now)
      this.#deps.renewed()
    } catch (error) {
      this.#deps.problem(`the certificate of Node-RED could not be read again: ${(error as Error).message}`)
    }
  }

  async #read(): Promise<Pair | undefined> {
    const { https } = this.#settings
    let options: HttpsOptions | undefined
    try {
      options = (await (typeof https === 'function' ? https() : https)) as HttpsOptions | undefined
    } catch (error) {
      const text = `https in settings.js has failed: ${(error as Error).message}`
      throw new TelephonyError('BAD_CONFIG', text, { cause: error })
    }
    const [certificate, key] = [pemOf(options?.cert), pemOf(options?.key)]
    if (certificate === '' || key === '') return undefined
    const passphrase = options?.passphrase
    return { certificate: { pem: certificate }, key: { pem: key }, ...(passphrase && { passphrase }) }
  }
}

function takesHttps({ ports, tls }: TransportConfig): boolean {
  return !tls?.pair && (ports.tls !== undefined || ports.wss !== undefined)
}

/** A text, a Buffer, or several of them. */
const pemOf = (value: unknown): string =>
  [value ?? []]
    .flat()
    .map((one) => (typeof one === 'string' || Buffer.isBuffer(one) ? String(one) : ''))
    .join('\n')
