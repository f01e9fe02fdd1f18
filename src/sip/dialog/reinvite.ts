import type {
  IncomingResponse,
  IncomingResponseMessage,
  OutgoingRequestMessage,
  SessionDialog,
} from 'sip.js/lib/core/index.js'
import { TelephonyError } from '../../base/errors.js'
import { ALLOW } from '../core/core-settings.js'
import { refreshRemoteTarget } from '../core/dialog-internals.js'
import { localResponse } from '../core/local-response.js'
import { ReinviteClient } from '../core/user-agent-clients.js'
import { sessionBody } from '../message/body.js'
import type { ParsedResponse } from '../message/parsed-message.js'
import { TRANSACTION_MS } from '../transaction/timers.js'
import type { FinalResponse, SipBody } from '../types.js'
import { type AccountContext, contactLine } from '../user-agent/account-context.js'
import { CredentialsRound, credentialsIn } from '../user-agent/credentials-round.js'
import { toFinalResponse } from '../user-agent/final-response.js'

/**
 * RFC 3261 14.1: our re-INVITE, acknowledged when this resolves; sent again with credentials where they are asked for.
 */
export async function sendReinvite(
  context: AccountContext,
  session: SessionDialog,
  init: ReinviteInit,
): Promise<FinalResponse> {
  const round = new CredentialsRound(context, { inDialog: true })
  let credentials: string[] | undefined = []
  for (;;) {
    const { response, request } = await once(context, session, { ...init, credentials })
    credentials = round.answer(response, request)
    if (!credentials) return toFinalResponse(response)
  }
}

interface ReinviteInit {
  body: SipBody
  /** Gets what ends the wait at once, for a dialog that goes on elsewhere. */
  begun(abandon: () => void): void
  ackUnsent(reason: string): void
}

interface Exchange {
  request: OutgoingRequestMessage
  response: IncomingResponseMessage
}

async function once(
  context: AccountContext,
  session: SessionDialog,
  init: ReinviteInit & { credentials: readonly string[] },
): Promise<Exchange> {
  const { body, credentials, begun, ackUnsent } = init
  const extraHeaders = [contactLine(context), ALLOW, ...credentials]
  // 14.1: one INVITE at a time, in whichever direction.
  if (session.reinviteUserAgentClient || session.reinviteUserAgentServer) {
    throw new TelephonyError('WRONG_STATE', 'another re-INVITE is in progress')
  }
  return new Promise((resolve) => {
    const settle = (response: IncomingResponseMessage): void => {
      forget()
      timer.cancel()
      resolve({ response, request: client.message })
    }
    const close = (): void => settle(localResponse(503, 'Endpoint closed'))
    const failed = ({ message }: IncomingResponse): void => settle(message)
    const client = new ReinviteClient(
      session,
      {
        onAccept: ({ message, ack }) => {
          // Before the ACK, which goes there (12.2.1.2).
          refreshRemoteTarget(session, message as ParsedResponse, context.canReach)
          ack({ extraHeaders: credentialsIn(client.message) })
          settle(message)
        },
        onRedirect: failed,
        onReject: failed,
      },
      { extraHeaders, body: sessionBody(body), ackUnsent },
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
