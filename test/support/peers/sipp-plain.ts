import * as sip from './sipp-scenario.js'

/** INVITE, 180, 200, ACK, some time, BYE, 200: without sound. */
export const plainCaller: sip.Step[] = [
  sip.invite(),
  sip.expectFinal(200, { timed: true }),
  sip.ack(),
  sip.hold,
  sip.bye(),
  sip.expectResponse(200),
]

export const plainCallee: sip.Step[] = [
  sip.expectRequest('INVITE'),
  sip.provisional('180 Ringing'),
  sip.answer(),
  sip.tolerateInvite,
  sip.expectRequest('ACK'),
  sip.expectRequest('BYE'),
  sip.accept,
]
