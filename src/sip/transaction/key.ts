import { formatSentBy, isUniqueBranch, type Via } from '../message/via.js'

interface KeyFields {
  hop: Via
  /** CSeq method; an ACK belongs to its INVITE. */
  method: string
  callId: string
  cseq: number
  /** The whole From value: it is the same in request, ACK and response. */
  from: string
}

/** RFC 3261 17.2.3: what makes two requests, or a response and its request, the same server transaction. */
export function serverKey({ hop, method, callId, cseq, from }: KeyFields): string {
  const invite = method === 'ACK' ? 'INVITE' : method
  if (isUniqueBranch(hop.branch)) return `${hop.branch} ${formatSentBy(hop)} ${invite}`
  return `2543 ${callId} ${cseq} ${from} ${formatSentBy(hop)} ${invite}` // RFC 2543 peers make no unique branch
}

/** RFC 3261 17.1.3: the branch is ours and random, so it and the method suffice. */
export const clientKey = (branch: string, method: string): string => `${branch} ${method === 'ACK' ? 'INVITE' : method}`
