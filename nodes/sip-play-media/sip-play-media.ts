import type { Playable } from '../../src/engine/protocol.js'
import { defineNode } from '../shared/define-node.js'
import { FieldError, newId } from '../shared/errors.js'
import { checkFixedFile } from '../shared/fixed-file.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import { serveMediaFiles } from '../shared/media-files-route.js'
import type { MediaNote } from '../shared/message.js'
import type { Message, RED } from '../shared/red.js'
import { number, oneOf, secondsAsMs } from '../shared/settings.js'
import { wavOf } from '../shared/typed-input.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Plays a WAV (a file or a Buffer), a tone or a telephone signal into the call, or stops a sound.
 *
 * Output 1, done: the incoming message. Blocking: when the last packet was sent; `media.ended` is `finished`. Background: at
 * once, with `media.id`. Action `stop`: when the sound has stopped.
 * Output 2, interrupted or failed: `media.ended` is `interrupted`, `stopped`, `hangup` or `failed`, `media.playedMs` the time
 * played. A play that cannot start (missing file, bad audio, wrong input) leaves here with `error.code` and `error.message`, so that
 * output 2 can lead to hangup; Catch nodes get the error as well. A play in the background leaves here only if it cannot start.
 * `stop` ends the play that `msg.media.id` names if it runs in the background, otherwise all plays in the call.
 * Done when the sound has ended, in the background too.
 * Errors: NO_CALL, CALL_ENDED, WRONG_STATE, FILE_NOT_FOUND, FILE_OUTSIDE_ROOT, BAD_AUDIO, BAD_ARGUMENT (a Buffer above 10 MB).
 * Files are searched in `<userDir>/ringflow/media` and in the pack's examples. settings.js can add folders:
 * `ringflow: { mediaFolders: ['/srv/prompts'] }`.
 */
export default function sipPlayMedia(RED: RED): void {
  serveMediaFiles(RED)
  defineNode<Config>(RED, {
    type: 'sip-play-media',
    defaults,
    migrations,
    working: 'playing',
    open(node) {
      const { config } = node
      if (oneOf('action', config.action, ['play', 'stop']) === 'stop') return
      oneOf('wait', config.wait, ['blocking', 'background'])
      repeatOf(config)
      const source = oneOf('source', config.source, ['file', 'tone', 'signal'])
      if (source === 'file') {
        gainOf(config)
        checkFixedFile(node, { file: config.file, type: config.fileType })
      }
      if (source === 'tone') toneOf(config)
      if (source === 'signal') signalOf(config)
    },
    failed: {
      port: 2,
      event: 'call.play-ended',
      result: ({ source }) => ({ media: { id: newId(), kind: kindOf(source), ended: 'failed', playedMs: 0 } }),
    },
    input: (node, message) => (node.config.action === 'stop' ? stop(node, message) : play(node, message)),
  })
}

async function play(node: FlowNode<Config>, message: Message): Promise<Output | undefined> {
  const { config } = node
  const callId = await node.callId(config, message)
  const source = await sourceOf(node, message)
  const media: MediaNote = { id: newId(), kind: kindOf(config.source) }
  const background = config.wait === 'background'
  if (background) node.assertLive(callId)
  const playing = node.engine('play', { callId, mediaId: media.id, source, repeat: repeatOf(config) })
  if (background) node.pass(1, node.continue(message, callId, 'call.play-started', { media }))
  const { ended, playedMs } = await playing
  if (playedMs > 0) node.setFault(null)
  if (background) return undefined
  const result = node.continue(message, callId, 'call.play-ended', { media: { ...media, ended, playedMs } })
  return { port: ended === 'finished' ? 1 : 2, message: result }
}

const kindOf = (source: Config['source']): MediaNote['kind'] => (source === 'file' ? 'play' : 'tone')

async function stop(node: FlowNode<Config>, message: Message): Promise<Output> {
  const callId = await node.callId(node.config, message)
  const media = message.media as Partial<MediaNote> | undefined
  const isPlay = media?.kind === 'play' || media?.kind === 'tone'
  const mediaId = isPlay && media.ended === undefined ? media.id : undefined
  await node.engine('stopPlay', { callId, ...(mediaId !== undefined && { mediaId }) })
  return { port: 1, message: node.continue(message, callId, 'call.play-stopped') }
}

async function sourceOf(node: FlowNode<Config>, message: Message): Promise<Playable> {
  const { config } = node
  if (config.source === 'tone') return toneOf(config)
  if (config.source === 'signal') return signalOf(config)
  const wav = wavOf('file', await node.evaluate(config.file, config.fileType, message))
  if (!wav) throw new FieldError('BAD_ARGUMENT', 'file', 'there is no file name and no Buffer to play')
  const gainDb = gainOf(config)
  return gainDb === 0 ? wav : { ...wav, gainDb }
}

function signalOf(config: Config): Playable {
  const name = oneOf('signal', config.signal, ['dial', 'ringback', 'busy', 'congestion'])
  const country = oneOf('country', config.country, ['eu', 'us', 'uk', 'cn', 'fr', 'it'])
  return { kind: 'signal', name, country, ...durationOf(config), levelDbfs: levelOf(config) }
}

function toneOf(config: Config): Playable {
  const hz = config.hz.split('+').map((part) => number('hz', part, { min: 20, max: 3_900 }))
  return { kind: 'tone', hz, ...durationOf(config), levelDbfs: levelOf(config) }
}

const durationOf = (config: Config) => ({
  durationMs: secondsAsMs('duration', config.duration, { min: 0.02, max: 600 }),
})
const levelOf = (config: Config): number => number('level', config.level, { min: -60, max: 0 })
const gainOf = (config: Config): number => number('gain', config.gain, { min: -40, max: 40 })

/** 0 repeats without end. */
const repeatOf = (config: Config): number => number('repeat', config.repeat, { max: 1_000_000, integer: true })
