import type { OutgoingRequest } from '../message/outgoing-request.js'
import type { ParsedResponse } from '../message/parsed-message.js'
import { ReceivedResponse } from '../message/received.js'
import { unavailable } from '../transaction/transaction.js'
import type { FinalResponse, LocalFinalResponse } from '../types.js'
import type { AccountContext } from './account-context.js'
import { RequestCredentials } from './request-credentials.js'

export interface ExchangeInit {
  inDialog: boolean
  /** The CSeq for the next try (RFC 3261 22.2). */
  nextSeq(): number
  /** Other header lines to send the request again with, if this response asks for them: 422 (RFC 4028 7.3). */
  again?(response: ParsedResponse): readonly string[] | undefined
  /** Gets a 2xx before it is handed on. */
  accepted?(response: ParsedResponse): void
  /** Aborted: the wait ends at once. */
  signal?: AbortSignal | undefined
}

/** The final response of a request, or what stands for it. */
export type Outcome = ParsedResponse | LocalFinalResponse

export const isReceived = (outcome: Outcome): outcome is ParsedResponse => 'fields' in outcome

export const toFinalResponse = (outcome: Outcome): FinalResponse =>
  isReceived(outcome) ? new ReceivedResponse(outcome) : outcome

/**
 * Sends a request other than INVITE and waits for its final response; sends it again with credentials as often as they are asked for: same
 * Call-ID and From tag, CSeq one higher (RFC 3261 22.2).
 */
export async function exchange(
  context: AccountContext,
  first: OutgoingRequest,
  init: ExchangeInit,
): Promise<FinalResponse> {
  const credentials = new RequestCredentials(context, init)
  const ahead = credentials.ahead(first)
  let request = ahead.length > 0 ? first.again(first.cseq, ahead) : first
  let plain = first
  for (;;) {
    const outcome = await finalResponse(context, request, init.signal)
    if (!isReceived(outcome)) return toFinalResponse(outcome)
    const challenged = credentials.answer(outcome, request)
    const changed = challenged ? undefined : init.again?.(outcome)
    if (changed) plain = plain.again(plain.cseq, changed)
    const lines = challenged ?? (changed && credentials.repeat(plain))
    if (!lines) {
      if (outcome.status < 300) init.accepted?.(outcome)
      return toFinalResponse(outcome)
    }
    request = plain.again(init.nextSeq(), lines)
  }
}

function finalResponse(
  context: AccountContext,
  request: OutgoingRequest,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  if (signal?.aborted) return Promise.resolve(unavailable(reasonOf(signal)))
  return new Promise((resolve) => {
    const settle = (outcome: Outcome): void => {
      signal?.removeEventListener('abort', abort)
      resolve(outcome)
    }
    const pending = context.sender.request(request, context.prefer, { provisional() {}, final: settle, failed: settle })
    const abort = (): void => pending.close(reasonOf(signal))
    signal?.addEventListener('abort', abort)
  })
}

/** Why an operation was aborted, as the reason of its local response. */
export const reasonOf = (signal: AbortSignal | undefined): string =>
  typeof signal?.reason === 'string' ? signal.reason : 'the request was given up'
