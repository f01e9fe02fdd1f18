/** The last steps of a call: signalling and media end in parallel, within a time limit. The call ends even if one of them fails. */
import type { Clock } from '../base/clock.js'
import { within } from '../base/deadline.js'
import type { Logger } from '../base/logger.js'
import type { MediaStats } from '../media/protocol.js'

interface LastSteps {
  /** Resolves with the final SIP status where there is one. */
  leave(): Promise<number | null>
  closeMedia(): Promise<MediaStats | null>
}

/** Null for a step that failed or did not finish in time. */
interface Results {
  status: number | null
  stats: MediaStats | null
}

/**
 * Answers to BYE and CANCEL come at once or hardly ever; the SIP layer continues to retransmit after this time.
 * Short enough for an engine that ends within 3 s, long enough for two retransmissions.
 */
const LIMIT_MS = 2000

export async function takeLastSteps(deps: { clock: Clock; log: Logger }, steps: LastSteps): Promise<Results> {
  const { clock, log } = deps
  const results: Results = { status: null, stats: null }
  const attempt = async (step: () => Promise<void>): Promise<void> => {
    try {
      await step()
    } catch (err) {
      log.warn({ err }, 'a step at the end of the call failed; the call ends anyway')
    }
  }
  const left = attempt(async () => {
    results.status = await steps.leave()
  })
  const closed = attempt(async () => {
    results.stats = await steps.closeMedia()
  })
  await within(LIMIT_MS, Promise.all([left, closed]), clock)
  return { ...results }
}
