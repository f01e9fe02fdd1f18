import type { Logger } from '../../base/logger.js'
import type { OutgoingRequest } from '../message/outgoing-request.js'
import type { SentAck } from '../sender.js'
import type { InviteUser } from '../transaction/transaction.js'
import type { AccountContext } from '../user-agent/account-context.js'

/** Our ACK to one 2xx (RFC 3261 13.2.2.4). Each repeat of the 2xx gets the same octets again, by the same flow. */
export class Ack {
  readonly #log: Logger
  #sent: SentAck | undefined

  /** `unsent`: the ACK could not be sent. */
  constructor({ log, sender, prefer }: AccountContext, ack: OutgoingRequest, unsent: (reason: string) => void) {
    this.#log = log
    sender.ack(ack, prefer).then(
      (sent) => {
        this.#sent = sent
      },
      (error: Error) => unsent(error.message),
    )
  }

  repeat(): void {
    this.#sent?.flow
      .send(this.#sent.text)
      .catch((error) => this.#log.debug({ err: error }, 'an ACK could not be sent again'))
  }
}

/** The transaction user of an answered re-INVITE: repeats of its 2xx get the ACK again. It holds nothing else, because it stays for 32 s. */
export class AckRepeats implements InviteUser {
  readonly #ack: Ack | undefined

  constructor(ack?: Ack) {
    this.#ack = ack
  }

  success(): void {
    this.#ack?.repeat()
  }

  provisional(): void {}
  final(): void {}
  failed(): void {}
}
