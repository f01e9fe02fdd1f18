import { type CommandContext, EXIT } from './context.js'
import { UsageError } from './options.js'
import { withAccount } from './with-account.js'

/** Sends one text message and waits for its answer. */
export async function runMessage(context: CommandContext): Promise<number> {
  const { options, report } = context
  const [typed, ...words] = options.positionals
  const text = options.text('text') ?? words.join(' ')
  if (text === '') throw new UsageError('the text is missing. Write it after the target, or use --text')
  if (options.text('text') !== undefined && words.length > 0)
    throw new UsageError('there are two texts. Write the text after the target, or use --text')
  return withAccount(context, typed === undefined ? [] : [typed], async (engine, accountId, target) => {
    const sent = await engine.call('sendMessage', { accountId, target, text })
    const { result, status, reason } = sent
    const ok = result === 'delivered' || result === 'accepted'
    const texts = {
      delivered: 'delivered',
      accepted: 'accepted: the server keeps it for the recipient',
      refused: '',
      'no-answer': '',
    }
    report.say('message', { target, ...sent }, texts[result])
    if (ok) return EXIT.ok
    const why = result === 'no-answer' ? 'there was no answer' : `the other side refused it: ${status} ${reason}`
    report.fail(`the message was not delivered: ${why}`)
    return EXIT.failed
  })
}
