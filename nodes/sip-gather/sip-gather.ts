import type { GatherCommand, GatherResult } from '../../src/engine/protocol.js'
import { defineNode } from '../shared/define-node.js'
import { FieldError, newId } from '../shared/errors.js'
import { checkFixedFile } from '../shared/fixed-file.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import { MAX_GATHER_DIGITS } from '../shared/limits.js'
import type { MediaNote } from '../shared/message.js'
import type { Message, RED } from '../shared/red.js'
import { flag, keys, number, secondsAsMs } from '../shared/settings.js'
import { wavOf } from '../shared/typed-input.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Plays a prompt if one is set, then waits for keys that the other side presses.
 *
 * Output 1, digits: the incoming message; `payload` and `media.digits` are the digits, without the terminator.
 * Output 2, no input, hangup or not started: the incoming message; `payload` holds the keys pressed, too few or none; `media.ended`
 * is `no-input`, `timeout`, `hangup` or `failed`. An input that cannot start (missing prompt, wrong input) leaves here with
 * `error.code` and `error.message`, so that output 2 can lead to hangup; Catch nodes get the error as well.
 * A prompt that a key interrupts counts as heard. Keys pressed before the prompt count unless `clearBuffer` is set.
 * Done when the input has ended.
 * Errors: NO_CALL, CALL_ENDED, WRONG_STATE, FILE_NOT_FOUND, FILE_OUTSIDE_ROOT, BAD_AUDIO.
 */
export default function sipGather(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-gather',
    defaults,
    migrations,
    working: 'gathering',
    open(node) {
      const { prompt, promptType } = node.config
      rulesOf(node.config)
      checkFixedFile(node, { file: prompt, type: promptType })
    },
    failed: {
      port: 2,
      event: 'call.gather-ended',
      result: () => ({ payload: '', media: { id: newId(), kind: 'gather', ended: 'failed', digits: '' } }),
    },
    input,
  })
}

async function input(node: FlowNode<Config>, message: Message): Promise<Output> {
  const { config } = node
  const { attempts, ...rules } = rulesOf(config)
  const callId = await node.callId(config, message)
  const prompt = wavOf('prompt', await node.evaluate(config.prompt, config.promptType, message))
  const command: GatherCommand = { callId, ...rules, ...(prompt && { prompt }) }
  let result = await node.engine('gather', command)
  for (
    let attempt = 1;
    attempt < attempts && !isValid(result, rules.minDigits) && result.ended !== 'hangup';
    attempt++
  ) {
    result = await node.engine('gather', command)
  }
  node.setFault(null)
  return outputOf(node, message, callId, result, isValid(result, rules.minDigits))
}

function outputOf(
  node: FlowNode<Config>,
  message: Message,
  callId: string,
  { digits, ended }: GatherResult,
  valid: boolean,
): Output {
  const why = ended === 'hangup' || ended === 'no-input' ? ended : 'timeout'
  const media: MediaNote = { id: newId(), kind: 'gather', ended: valid ? 'finished' : why, digits }
  const result = node.continue(message, callId, 'call.gather-ended', { payload: digits, media })
  return { port: valid ? 1 : 2, message: result }
}

const isValid = ({ digits, ended }: GatherResult, minDigits: number): boolean =>
  ended !== 'hangup' && ended !== 'no-input' && digits.length >= minDigits

function rulesOf(config: Config) {
  const digits = (field: 'minDigits' | 'maxDigits') =>
    number(field, config[field], { min: 1, max: MAX_GATHER_DIGITS, integer: true })
  const rules = {
    bargeIn: flag(config.bargeIn),
    minDigits: digits('minDigits'),
    maxDigits: digits('maxDigits'),
    terminators: keys('terminators', config.terminators),
    accept: keys('accept', config.accept),
    firstDigitMs: secondsAsMs('firstDigit', config.firstDigit, { min: 0.1, max: 600 }),
    interDigitMs: secondsAsMs('interDigit', config.interDigit, { min: 0.1, max: 600 }),
    clearBuffer: flag(config.clearBuffer),
    attempts: number('attempts', config.attempts, { min: 1, max: 100, integer: true }),
  }
  if (rules.minDigits > rules.maxDigits)
    throw new FieldError(
      'BAD_CONFIG',
      'maxDigits',
      `${rules.maxDigits} is less than the fewest digits, ${rules.minDigits}`,
    )
  return rules
}
