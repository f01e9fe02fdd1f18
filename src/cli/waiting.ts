import type { CommandContext } from './context.js'

/** After this time without an answer a text says that the program still waits. */
export const STILL_WAITING_MS = 5_000

/** Settles as `answer` does. `from`: the address that has to answer. */
export async function tellWaiting<T>(
  answer: Promise<T>,
  from: string,
  { report, clock }: Pick<CommandContext, 'report' | 'clock'>,
): Promise<T> {
  const tell = () => report.say('waiting', { from }, `still waiting for an answer from ${from}`)
  const timer = clock.setTimeout(tell, STILL_WAITING_MS)
  try {
    return await answer
  } finally {
    timer.cancel()
  }
}
