import { stat } from 'node:fs/promises'
import type { Clock, Timer } from '../../../base/clock.js'
import type { Logger } from '../../../base/logger.js'
import type { TlsSettings } from '../../types.js'
import { filesOf, readTlsMaterial, type TlsMaterial } from './material.js'

export interface TlsFilesDeps {
  clock: Clock
  log: Logger
}

/** `fs.watch` misses changes on network drives and behind symbolic links, where tools for renewal put their files. */
const POLL_MS = 2_000

/** Certificates and keys that are read again when their files change. Files that do not fit together are left, and the old ones stay. */
export class TlsFiles {
  readonly #deps: TlsFilesDeps
  #settings: TlsSettings
  readonly #files: readonly string[]
  readonly #listeners = new Set<(material: TlsMaterial) => void>()
  #material: TlsMaterial
  /** State of the files when they were last read, and at the last poll. */
  #read: string
  #seen: string
  #timer: Timer | undefined
  #isClosed = false

  /** Rejects with BAD_CONFIG. */
  static async open(deps: TlsFilesDeps, settings: TlsSettings): Promise<TlsFiles> {
    const state = await stateOf(filesOf(settings))
    return new TlsFiles(deps, settings, state, await readTlsMaterial(settings, deps.clock.wall()))
  }

  private constructor(deps: TlsFilesDeps, settings: TlsSettings, state: string, material: TlsMaterial) {
    this.#deps = deps
    this.#settings = settings
    this.#files = filesOf(settings)
    this.#read = this.#seen = state
    this.#material = material
    this.#warn(material)
    if (this.#files.length > 0) this.#schedule()
  }

  get material(): TlsMaterial {
    return this.#material
  }

  /** The listener gets each new material. Returns the function that removes it. */
  onChange(listener: (material: TlsMaterial) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Other PEM texts in place of the old ones; the names of the files are the same. */
  use(settings: TlsSettings): Promise<void> {
    return this.#reload(settings)
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#listeners.clear()
  }

  #schedule(): void {
    if (this.#isClosed) return
    this.#timer = this.#deps.clock.setTimeout(() => void this.#poll().finally(() => this.#schedule()), POLL_MS)
  }

  /** A renewal writes several files: they are read when nothing has changed for one interval. */
  async #poll(): Promise<void> {
    const state = await stateOf(this.#files)
    const isStill = state === this.#seen
    this.#seen = state
    if (!isStill || state === this.#read || this.#isClosed) return
    this.#read = state
    await this.#reload(this.#settings)
  }

  async #reload(settings: TlsSettings): Promise<void> {
    const { clock, log } = this.#deps
    try {
      const material = await readTlsMaterial(settings, clock.wall())
      if (this.#isClosed) return
      this.#settings = settings
      this.#material = material
      log.info({ files: this.#files }, 'new TLS certificates are in use')
      this.#warn(material)
      for (const listener of this.#listeners) listener(material)
    } catch (error) {
      log.warn({ err: error }, 'the TLS certificates have changed but cannot be used; the old ones stay in use')
    }
  }

  #warn({ warnings }: TlsMaterial): void {
    for (const warning of warnings) this.#deps.log.warn({}, warning)
  }
}

/** Follows symbolic links. A missing file has a state too. */
async function stateOf(files: readonly string[]): Promise<string> {
  const states = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
        () => 'missing',
      ),
    ),
  )
  return states.join('\n')
}
