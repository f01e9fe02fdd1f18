/** RFC 6455 5.2: the payloads of whole text and binary frames, unmasked, and how many octets they took. */
export function webSocketPayloads(octets: Buffer): { payloads: Buffer[]; octets: number } {
  const payloads: Buffer[] = []
  let at = 0
  for (;;) {
    const frame = frameAt(octets, at)
    if (!frame) return { payloads, octets: at }
    at = frame.end
    if (frame.opcode === 1 || frame.opcode === 2) payloads.push(frame.payload)
  }
}

function frameAt(octets: Buffer, at: number): { opcode: number; payload: Buffer; end: number } | undefined {
  if (octets.length < at + 2) return undefined
  const isMasked = ((octets[at + 1] ?? 0) & 0x80) !== 0
  let length = (octets[at + 1] ?? 0) & 0x7f
  let start = at + 2
  if (length === 126) {
    if (octets.length < start + 2) return undefined
    length = octets.readUInt16BE(start)
    start += 2
  } else if (length === 127) {
    if (octets.length < start + 8) return undefined
    length = octets.readUInt32BE(start) * 2 ** 32 + octets.readUInt32BE(start + 4)
    start += 8
  }
  const mask = isMasked ? octets.subarray(start, start + 4) : undefined
  if (mask) start += 4
  const end = start + length
  if (octets.length < end) return undefined
  const payload = Buffer.from(octets.subarray(start, end))
  if (mask) for (const [i, octet] of payload.entries()) payload[i] = octet ^ (mask[i % 4] ?? 0)
  return { opcode: (octets[at] ?? 0) & 15, payload, end }
}
