import { MAX_MESSAGE_OCTETS } from '../../message/limits.js'

/** RFC 7118 4: the name of the subprotocol. */
export const SUBPROTOCOL = 'sip'

/** Limits of a WebSocket, on both sides. Compression would make large messages of small frames, and takes memory for each peer. */
export const WS_LIMITS = { maxPayload: MAX_MESSAGE_OCTETS, maxFragments: 1_024, perMessageDeflate: false } as const
