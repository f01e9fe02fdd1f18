import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { TelephonyError } from '../../base/errors.js'
import { encode, g711 } from '../codec/g711.js'
import type { CodecName, EncodedPrompt, PromptFigures, PromptSource } from '../protocol.js'
import { makeTone } from './tone.js'
import { readWavFile, readWavOctets, TARGET_RATE } from './wav-reader.js'

const MAX_GAIN_DB = 40

export interface PreparedPrompt {
  prompt: EncodedPrompt
  durationMs: number
}

/** Cache of encoded prompts; the least recently used prompt is dropped first. The key of a file is its path, size and ctime. */
export class PromptStore {
  readonly #maxOctets: number
  readonly #ready = new Map<string, PreparedPrompt>()
  readonly #underWay = new Map<string, Promise<PreparedPrompt>>()
  #octets = 0
  #requests = 0
  #made = 0

  constructor(init: { maxOctets: number }) {
    this.#maxOctets = init.maxOctets
  }

  get octets(): number {
    return this.#octets
  }

  get figures(): PromptFigures {
    return { prompts: this.#ready.size, octets: this.#octets, requests: this.#requests, made: this.#made }
  }

  async prompt(source: PromptSource, codec: CodecName): Promise<PreparedPrompt> {
    this.#requests++
    const key = `${codec} ${await identify(source)}`
    const ready = this.#ready.get(key)
    if (ready) {
      this.#ready.delete(key)
      this.#ready.set(key, ready)
      return ready
    }
    const underWay = this.#underWay.get(key)
    if (underWay) return underWay
    const started = this.#prepare(key, source, codec)
    this.#underWay.set(key, started)
    try {
      return await started
    } finally {
      this.#underWay.delete(key)
    }
  }

  async #prepare(key: string, source: PromptSource, codec: CodecName): Promise<PreparedPrompt> {
    this.#made++
    const samples = amplified(await samplesOf(source), source.gainDb ?? 0)
    const data = new SharedArrayBuffer(samples.length)
    encode(g711(codec), samples, new Uint8Array(data))
    const prepared = { prompt: { codec, data }, durationMs: (samples.length * 1000) / TARGET_RATE }
    this.#keep(key, prepared)
    return prepared
  }

  #keep(key: string, prepared: PreparedPrompt): void {
    this.#ready.set(key, prepared)
    this.#octets += prepared.prompt.data.byteLength
    for (const [oldest, { prompt }] of this.#ready) {
      if (this.#octets <= this.#maxOctets) return
      this.#ready.delete(oldest)
      this.#octets -= prompt.data.byteLength
    }
  }
}

async function samplesOf(source: PromptSource): Promise<Int16Array> {
  switch (source.kind) {
    case 'file':
      return readWavFile(source.path)
    case 'wav':
      return readWavOctets(source.data)
    case 'tone':
      return makeTone(source)
  }
}

/** Throws BAD_ARGUMENT for a gain that makes the sound inaudible or only clipped. */
function amplified(samples: Int16Array, gainDb: number): Int16Array {
  if (!(Math.abs(gainDb) <= MAX_GAIN_DB)) {
    throw new TelephonyError(
      'BAD_ARGUMENT',
      `the gain of ${gainDb} dB is not valid. Use -${MAX_GAIN_DB} to ${MAX_GAIN_DB} dB`,
    )
  }
  if (gainDb === 0) return samples
  const factor = 10 ** (gainDb / 20)
  return samples.map((sample) => Math.max(-32768, Math.min(32767, Math.round(sample * factor))))
}

async function identify(source: PromptSource): Promise<string> {
  const { gainDb = 0 } = source
  if (source.kind === 'tone') return JSON.stringify(source)
  // The key is the hash of the content, so a Buffer that a flow sends with every message is decoded once.
  if (source.kind === 'wav') return `${gainDb} sha256 ${createHash('sha256').update(source.data).digest('base64')}`
  try {
    // ctime, not mtime: a copied file may keep the mtime of another file.
    const { ctimeMs, size } = await stat(source.path)
    return `${gainDb} ${ctimeMs} ${size} ${source.path}`
  } catch (cause) {
    throw new TelephonyError('FILE_NOT_FOUND', `the file ${source.path} does not exist or cannot be read`, { cause })
  }
}
