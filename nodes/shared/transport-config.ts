/** Converts a transport's settings for the engine. */
import { readFileSync } from 'node:fs'
import type { TransportConfig } from '../../src/engine/protocol.js'
import { isHostPort, isIp } from './editor/validate.js'
import { FieldError } from './errors.js'
import { number, oneOf, shaped, text } from './settings.js'

/** The settings of a `sip-transport` node. */
export const defaults = {
  version: 2,
  name: '',
  protocol: 'udp' as 'udp' | 'tcp' | 'udp+tcp',
  /** Applies if `bindAddress` is empty. `prefer-…` falls back to the other version. */
  ipVersion: 'prefer-4' as 'prefer-4' | 'prefer-6' | '4' | '6',
  /** '' : the address this machine uses to reach the account's proxy or registrar. */
  bindAddress: '',
  bindPort: '5060',
  publicAddress: '',
  userAgent: '',
  rtpPortMin: '10000',
  rtpPortMax: '20000',
}
export type Config = typeof defaults

/** All accounts without a transport share this one. */
export const automaticTransport = (): TransportConfig => parseTransport(defaults, 'automatic')

export function parseTransport(config: Config, id: string): TransportConfig {
  const port = (field: string, value: string, min: number) => number(field, value, { min, max: 65_535, integer: true })
  const [rtpPortMin, rtpPortMax] = [
    port('rtpPortMin', config.rtpPortMin, 1024),
    port('rtpPortMax', config.rtpPortMax, 1024),
  ]
  // RFC 3550 11: a call takes two ports, an even one for RTP and the next one for RTCP.
  if (rtpPortMax - rtpPortMin < 1) {
    throw new FieldError(
      'BAD_CONFIG',
      'rtpPortMax',
      `${rtpPortMax} must be greater than the first RTP port, ${rtpPortMin}`,
    )
  }
  return {
    id,
    name: text(config.name),
    ports: portsOf(oneOf('protocol', config.protocol, ['udp', 'tcp', 'udp+tcp']), port('bindPort', config.bindPort, 0)),
    ipVersion: oneOf('ipVersion', config.ipVersion, ['prefer-4', 'prefer-6', '4', '6']),
    bindAddress: shaped('bindAddress', config.bindAddress, isIp, 'IP address'),
    publicAddress: shaped('publicAddress', config.publicAddress, isHostPort, 'host or host:port'),
    userAgent: text(config.userAgent) || ownName(),
    rtpPortMin,
    rtpPortMax,
  }
}

const portsOf = (protocols: string, port: number): TransportConfig['ports'] =>
  Object.fromEntries(protocols.split('+').map((protocol) => [protocol, port]))

/** The User-Agent for an empty setting. This file runs as dist/nodes/shared/transport-config.js. */
function ownName(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return `Ringflow/${(JSON.parse(text) as { version: string }).version}`
}
