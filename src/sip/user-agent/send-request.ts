import type { IncomingResponse, IncomingResponseMessage, OutgoingRequestMessage } from 'sip.js/lib/core/index.js'
import { localResponse } from '../core/local-response.js'
import type { FinalResponse } from '../types.js'
import type { AccountContext } from './account-context.js'
import { CredentialsRound } from './credentials-round.js'
import { toFinalResponse } from './final-response.js'

/**
 * Sends a request other than INVITE and waits for its final answer; sends it again with credentials as often as they
 * are asked for. `make` builds the message anew each time: same Call-ID and From tag, CSeq one higher (RFC 3261 22.2).
 */
export async function sendRequest(
  context: AccountContext,
  make: (credentials: readonly string[]) => OutgoingRequestMessage,
  init: { inDialog: boolean } = { inDialog: false },
): Promise<FinalResponse> {
  const round = new CredentialsRound(context, init)
  let credentials: string[] | undefined = []
  let first = true
  for (;;) {
    const message = make(credentials)
    if (first) round.ahead(message)
    first = false
    const response = await oneAnswer(context, message)
    credentials = round.answer(response, message)
    if (!credentials) return toFinalResponse(response)
  }
}

function oneAnswer(context: AccountContext, message: OutgoingRequestMessage): Promise<IncomingResponseMessage> {
  const { core, closing } = context
  return new Promise((resolve) => {
    const forget = closing.add(() => resolve(localResponse(503, 'Endpoint closed')))
    const done = (response: IncomingResponse): void => {
      forget()
      resolve(response.message)
    }
    core.request(message, { onAccept: done, onRedirect: done, onReject: done })
  })
}

/** Credentials that came with the request give way to those that answer the challenge. */
export function withCredentials(lines: readonly string[], credentials: readonly string[]): string[] {
  if (credentials.length === 0) return [...lines]
  return [...lines.filter((line) => !/^(proxy-)?authorization:/i.test(line)), ...credentials]
}
