import { defineNode } from '../shared/define-node.js'
import { newId } from '../shared/errors.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import { callMessage, type MediaNote } from '../shared/message.js'
import type { Message, RED } from '../shared/red.js'
import { oneOf, secondsAsMs } from '../shared/settings.js'
import { telephony } from '../shared/telephony.js'
import { fileOf } from '../shared/typed-input.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Records what the other side says into a WAV file, or stops a recording.
 *
 * Output 1, started: the incoming message at once, with `media.id`.
 * Output 2, recorded: a new message when the recording has ended (stopped, hung up, or maximum length reached); `payload` is the
 * path of the file, `media` says how it ended and how long it is. Action `stop`: the incoming message leaves here, with the path
 * or null if there was no recording. The node that started the recording sends its message by its output 2 as well.
 * Done when the recording has begun or was stopped.
 * Errors: NO_CALL, CALL_ENDED, WRONG_STATE, FILE_OUTSIDE_ROOT.
 * Files are written below `<userDir>/ringflow/recordings`. settings.js can set another folder: `ringflow: { recordingFolder: '/srv/calls' }`.
 */
export default function sipRecord(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-record',
    defaults,
    migrations,
    open({ config }) {
      if (oneOf('action', config.action, ['start', 'stop']) === 'start') maxOf(config)
    },
    input: (node, message) => (node.config.action === 'stop' ? stop(node, message) : start(node, message)),
    onMedia(node, event) {
      node.show(null)
      node.send(2, callMessage(event))
    },
  })
}

async function start(node: FlowNode<Config>, message: Message): Promise<Output> {
  const { config } = node
  const callId = await node.callId(config, message)
  const file = fileOf('file', await node.evaluate(config.file, config.fileType, message))
  const media: MediaNote = { id: newId(), kind: 'record' }
  telephony.calls.ownMedia(media.id, node.id, callId)
  try {
    await node.engine('startRecord', { callId, mediaId: media.id, file, maxMs: maxOf(config) })
  } catch (error) {
    telephony.calls.disownMedia(media.id)
    throw error
  }
  node.show({ key: 'recording' })
  return { port: 1, message: node.continue(message, callId, 'call.record-started', { media }) }
}

async function stop(node: FlowNode<Config>, message: Message): Promise<Output> {
  const callId = await node.callId(node.config, message)
  const media = message.media as Partial<MediaNote> | undefined
  const mediaId = media?.kind === 'record' && media.ended === undefined ? media.id : undefined
  const result = await node.engine('stopRecord', { callId, ...(mediaId !== undefined && { mediaId }) })
  return { port: 2, message: node.continue(message, callId, 'call.record-ended', { payload: result?.path ?? null }) }
}

const maxOf = (config: Config): number => secondsAsMs('max', config.max, { min: 1, max: 86_400 })
