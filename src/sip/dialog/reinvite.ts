import type {
  IncomingResponse,
  IncomingResponseMessage,
  OutgoingRequestMessage,
  SessionDialog,
} from 'sip.js/lib/core/index.js'
import { ALLOW } from '../core/core-settings.js'
import { refreshRemoteTarget } from '../core/dialog-internals.js'
import { localResponse } from '../core/local-response.js'
import { sessionBody } from '../message/body.js'
import { TRANSACTION_MS } from '../transaction/timers.js'
import type { FinalResponse, SipBody } from '../types.js'
import { type AccountContext, contactLine } from '../user-agent/account-context.js'
import { CredentialsRound } from '../user-agent/credentials-round.js'
import { toFinalResponse } from '../user-agent/final-response.js'

/**
 * RFC 3261 14.1: our re-INVITE, acknowledged when this resolves; sent again with credentials where they are asked for.
 */
export async function sendReinvite(
  context: AccountContext,
  session: SessionDialog,
  body: SipBody,
  /** Gets what ends the wait at once, for a dialog that goes on elsewhere. */
  begun: (abandon: () => void) => void,
): Promise<FinalResponse> {
  const round = new CredentialsRound(context, { inDialog: true })
  let credentials: string[] | undefined = []
  for (;;) {
    const { response, request } = await once(context, session, { body, credentials, begun })
    credentials = round.answer(response, request)
    if (!credentials) return toFinalResponse(response)
  }
}

interface Exchange {
  request: OutgoingRequestMessage
  response: IncomingResponseMessage
}

function once(
  context: AccountContext,
  session: SessionDialog,
  init: { body: SipBody; credentials: readonly string[]; begun: (abandon: () => void) => void },
): Promise<Exchange> {
  const { body, credentials, begun } = init
  const extraHeaders = [contactLine(context), ALLOW, ...credentials]
  return new Promise((resolve) => {
    const settle = (response: IncomingResponseMessage): void => {
      forget()
      timer.cancel()
      resolve({ response, request: client.message })
    }
    const close = (): void => settle(localResponse(503, 'Endpoint closed'))
    const failed = ({ message }: IncomingResponse): void => settle(message)
    const client = session.invite(
      {
        onAccept: ({ message, ack }) => {
          refreshRemoteTarget(session, message) // before the ACK, which goes there (12.2.1.2)
          ack()
          settle(message)
        },
        onRedirect: failed,
        onReject: failed,
      },
      { extraHeaders, body: sessionBody(body) },
    )
    // Timer B ends with the first provisional response; a peer that stays silent then would block the dialog for ever.
    const timer = context.clock.setTimeout(() => {
      client.cancel()
      giveUp(localResponse(408, 'Request Timeout'))
    }, 2 * TRANSACTION_MS)
    const giveUp = (response: IncomingResponseMessage): void => {
      client.dispose() // its Timer B would touch the dialog later
      context.clients.forget(client.message.branch ?? '', 'INVITE')
      context.core.userAgentClients.delete(`${client.message.branch}INVITE`)
      session.signalingStateRollback()
      session.reinviteUserAgentClient = undefined
      settle(response)
    }
    const forget = context.closing.add(close)
    begun(() => giveUp(localResponse(503, 'The local address is gone')))
  })
}
