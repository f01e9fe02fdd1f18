/** Terms of audio that SDP and media share. */

/** The encodings of RFC 3551 that calls can use. */
export const CODEC_NAMES = ['PCMA', 'PCMU'] as const
export type CodecName = (typeof CODEC_NAMES)[number]

/** Direction of RTP (RFC 3264 5.1, RFC 8866 6.7), from our side unless a comment says otherwise. */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'
