import type { Playable } from '../../src/engine/protocol.js'
import { defineNode } from '../shared/define-node.js'
import { FieldError } from '../shared/errors.js'
import { checkFixedFile } from '../shared/fixed-file.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import { serveMediaFiles } from '../shared/media-files-route.js'
import type { Message, RED } from '../shared/red.js'
import { list, number, oneOf } from '../shared/settings.js'
import { wavOf } from '../shared/typed-input.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Holds an answered call or resumes it, mutes this side, or changes the codec.
 *
 * Output 1, done: the incoming message, when the other side has agreed; a mute needs no agreement. `topic` is `call.held`, `call.resumed`,
 * `call.muted`, `call.unmuted` or `call.codec-changed` (`payload` is then the codec in use).
 * Output 2, refused or failed: the incoming message with `error.code` and `error.message`; the call continues as before. Catch nodes get
 * the error as well.
 * Errors: REFUSED, NO_CALL, CALL_ENDED, WRONG_STATE (not answered yet), FILE_NOT_FOUND, FILE_OUTSIDE_ROOT, BAD_AUDIO, BAD_ARGUMENT.
 */
export default function sipHold(RED: RED): void {
  serveMediaFiles(RED)
  defineNode<Config>(RED, {
    type: 'sip-hold',
    defaults,
    migrations,
    open(node) {
      const { config } = node
      const action = oneOf('action', config.action, ['hold', 'resume', 'mute', 'unmute', 'codec'])
      if (action === 'codec') codecsOf(config)
      if (action !== 'hold') return
      const music = oneOf('music', config.music, ['silence', 'file', 'tone'])
      if (music === 'tone') toneOf(config)
      if (music === 'file') checkFixedFile(node, { file: config.file, type: config.fileType })
    },
    failed: { port: 2, event: 'call.hold-failed', result: () => ({}) },
    input,
  })
}

async function input(node: FlowNode<Config>, message: Message): Promise<Output> {
  const { config } = node
  const callId = await node.callId(config, message)
  const done = (event: string, payload?: unknown): Output => ({
    port: 1,
    message: node.continue(message, callId, event, payload === undefined ? {} : { payload }),
  })
  switch (config.action) {
    case 'hold': {
      const music = await musicOf(node, message)
      await node.engine('hold', { callId, ...(music && { music }) })
      node.setFault(null)
      return done('call.held')
    }
    case 'resume':
      await node.engine('resume', { callId })
      return done('call.resumed')
    case 'codec':
      return done('call.codec-changed', (await node.engine('renegotiate', { callId, codecs: codecsOf(config) })).codec)
    default: {
      const on = config.action === 'mute'
      await node.engine('mute', { callId, on })
      return done(on ? 'call.muted' : 'call.unmuted')
    }
  }
}

async function musicOf(node: FlowNode<Config>, message: Message): Promise<Playable | undefined> {
  const { config } = node
  if (config.music === 'silence') return undefined
  if (config.music === 'tone') return toneOf(config)
  const wav = wavOf('file', await node.evaluate(config.file, config.fileType, message))
  if (!wav) throw new FieldError('BAD_ARGUMENT', 'file', 'there is no file name and no Buffer to play')
  return wav
}

/** A short beep every five seconds. */
function toneOf({ hz, level }: Config): Playable {
  const frequencies = hz.split('+').map((part) => number('hz', part, { min: 20, max: 3_900 }))
  const levelDbfs = number('level', level, { min: -60, max: 0 })
  return { kind: 'tone', hz: frequencies, durationMs: 5_000, cadence: { onMs: 400, offMs: 4_600 }, levelDbfs }
}

function codecsOf(config: Config): Config['codecs'] {
  const codecs = list(config.codecs).map((codec) => oneOf('codecs', codec, ['PCMA', 'PCMU']))
  if (codecs.length === 0) throw new FieldError('BAD_CONFIG', 'codecs', 'there is no codec. Choose at least one')
  return codecs
}
