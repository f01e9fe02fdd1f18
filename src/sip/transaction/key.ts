import { flat } from '../../base/flat.js'
import type { ParsedRequest } from '../message/parsed-message.js'
import { formatSentBy, isUniqueBranch } from '../message/via.js'

/**
 * RFC 3261 17.2.3: what makes two requests the same server transaction. An ACK belongs to its INVITE. `method` INVITE for a CANCEL: the
 * request that is to be cancelled (9.2). Flat, because a key stays for 32 s after its request.
 */
export function serverKey(request: ParsedRequest, method = request.method): string {
  const { via, callId, cseq, from } = request
  const kind = method === 'ACK' ? 'INVITE' : method
  if (isUniqueBranch(via.branch)) return flat(`${via.branch} ${formatSentBy(via)} ${kind}`)
  // RFC 2543 peers make no unique branch. One that they make still tells two forks of a request apart.
  return flat(`2543 ${callId} ${cseq} ${via.branch} ${from.text} ${formatSentBy(via)} ${kind}`)
}

/**
 * RFC 3261 17.1.3: the branch is ours and random, so it and the method suffice. The other fields that a response repeats (8.2.6.2) are in
 * the key because a response in which they differ was not made from our request.
 */
export const clientKey = (request: RequestIdentity): string =>
  `${request.branch} ${request.method} ${request.cseq} ${request.callId} ${request.fromTag}`

interface RequestIdentity {
  branch: string
  method: string
  cseq: number
  callId: string
  fromTag: string
}
