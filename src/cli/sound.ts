import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { TelephonyError } from '../base/errors.js'
import type { Engine, EngineInit, Playable } from '../engine/protocol.js'
import { type HoldPlan, holdFrom, performHold } from './hold.js'
import { type Options, UsageError } from './options.js'

/** The actions on each call. */
export interface SoundPlan {
  play: Playable | undefined
  echo: boolean
  /** Absolute path; further calls get `-2`, `-3` … before the ending. */
  record: string | undefined
  digits: string | undefined
  hold: HoldPlan | undefined
  durationMs: number | undefined
  /** The other side is transferred when the rest is done. */
  transferTo: string | undefined
}

/** The tone is repeated. This length has whole periods of every frequency in whole Hz, so that the joint is not audible. */
const TONE_MS = 10_000

export function soundFrom(options: Options, digits: string | undefined): SoundPlan {
  const file = options.text('play')
  const tone = options.text('tone')
  const echo = options.flag('echo')
  if ([file !== undefined, tone !== undefined, echo].filter(Boolean).length > 1) {
    throw new UsageError('use only one of --play, --tone and --echo')
  }
  if (digits !== undefined && !/^[0-9*#a-d,]+$/i.test(digits))
    throw new UsageError(`“${digits}” cannot be pressed. Use 0-9 * # A-D and commas`)
  const record = options.text('record')
  const music = options.text('hold-music')
  return {
    play: file !== undefined ? fileFrom('play', file) : tone !== undefined ? toneFrom(tone) : undefined,
    echo,
    record: record === undefined ? undefined : recordPath(record),
    digits,
    hold: holdFrom(options, music === undefined ? undefined : fileFrom('hold-music', music)),
    durationMs: options.durationMs('duration'),
    transferTo: options.text('transfer-to'),
  }
}

/** On the command line every path is allowed: each named folder becomes a root. */
export function rootsOf(plan: SoundPlan): Pick<EngineInit, 'mediaRoots' | 'recordRoot'> {
  return {
    mediaRoots: filesOf(plan).map((file) => dirname(file)),
    recordRoot: plan.record === undefined ? process.cwd() : dirname(plan.record),
  }
}

/** Checks the file before a telephone rings. Rejects with FILE_NOT_FOUND, BAD_AUDIO. */
export async function checkSound(engine: Engine, plan: SoundPlan): Promise<void> {
  for (const file of filesOf(plan)) await engine.call('checkMedia', { file })
}

const filesOf = ({ play, hold }: SoundPlan): string[] =>
  [play, hold?.music].flatMap((sound) => (sound?.kind === 'file' ? [sound.file] : []))

/** `nth`: number of the call in this run; each call has its own file. */
export async function startRecording(engine: Engine, callId: string, plan: SoundPlan, nth: number): Promise<void> {
  if (plan.record === undefined) return
  await engine.call('startRecord', { callId, mediaId: randomUUID(), file: numbered(plan.record, nth) })
}

/** Plays, presses keys and holds an answered call. Resolves when all that is done, at once without any of it; never for a tone. */
export async function perform(engine: Engine, callId: string, plan: SoundPlan, over: AbortSignal): Promise<void> {
  if (plan.echo) await engine.call('echo', { callId, on: true })
  const repeat = plan.play?.kind === 'tone' ? 0 : 1
  const played = plan.play && engine.call('play', { callId, mediaId: randomUUID(), source: plan.play, repeat })
  const pressed = plan.digits && engine.call('sendDigits', { callId, digits: plan.digits })
  const held = plan.hold && performHold(engine, callId, plan.hold, over)
  // A tone has no end: it sounds until the call has been transferred.
  const isEndless = plan.transferTo !== undefined && repeat === 0
  if (isEndless) played?.catch(() => {})
  await Promise.all([isEndless ? undefined : played, pressed, held])
}

/** Rejects with REFUSED if the transfer fails. */
export async function transfer(engine: Engine, callId: string, target: string): Promise<void> {
  const { outcome, status, reason } = await engine.call('transfer', { callId, target })
  if (outcome === 'failed')
    throw new TelephonyError('REFUSED', `the transfer to ${target} failed: ${status} ${reason}`.trimEnd())
}

/** Whether a call without a duration is hung up when `perform` has resolved. */
export const endsBySound = (plan: SoundPlan): boolean => plan.play?.kind === 'file' || plan.digits !== undefined

/** Checks before a telephone rings that the file exists. */
function fileFrom(option: string, text: string): Playable {
  const found = statSync(text, { throwIfNoEntry: false })
  if (found?.isDirectory()) throw new UsageError(`--${option} ${text} is a folder. Use the name of a file`)
  if (!found?.isFile()) throw new UsageError(`--${option} ${text}: the file does not exist. Check its name`)
  return { kind: 'file', file: resolve(text) }
}

/** One missing folder is made; more than one is taken for a mistyped path. */
function recordPath(text: string): string {
  const path = resolve(text)
  const isFolder = (name: string) => statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false
  if (isFolder(path)) throw new UsageError(`--record ${text} is a folder. Use the name of a file`)
  if (isFolder(dirname(path)) || isFolder(dirname(dirname(path)))) return path
  throw new UsageError(`--record ${text}: the folder “${dirname(path)}” does not exist. Make it first`)
}

function toneFrom(text: string): Playable {
  const hz = text.split('+').map(Number)
  if (!hz.every((frequency) => frequency >= 20 && frequency <= 3_900)) {
    throw new UsageError(
      `--tone ${text} is not a valid tone. Use frequencies between 20 and 3900 Hz, like 440 or 350+440`,
    )
  }
  return { kind: 'tone', hz, durationMs: TONE_MS }
}

function numbered(path: string, nth: number): string {
  const ending = extname(path)
  return basename(join(dirname(path), nth === 1 ? basename(path) : `${basename(path, ending)}-${nth}${ending}`))
}
