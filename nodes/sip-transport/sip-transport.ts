import { readFileSync } from 'node:fs'
import type { TransportConfig } from '../../src/engine/protocol.js'
import { defineConfig } from '../shared/define-config.js'
import { isHostPort, isIp } from '../shared/editor/validate.js'
import { FieldError } from '../shared/errors.js'
import type { RED } from '../shared/red.js'
import { number, oneOf, shaped, text } from '../shared/settings.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Where the machine sends and receives SIP and sound: address, port, and the range of ports for sound. Several accounts may share
 * one. Settings that cannot work are shown as `bad settings` and named in the log; the accounts that use it say so too.
 */
export default function sipTransport(RED: RED): void {
  defineConfig(RED, {
    type: 'sip-transport',
    defaults,
    migrations,
    parse: (config, { id }) => parse(config, id),
  })
}

function parse(config: Config, id: string): TransportConfig {
  const port = (field: string, value: string, min: number) => number(field, value, { min, max: 65_535, integer: true })
  const [rtpPortMin, rtpPortMax] = [
    port('rtpPortMin', config.rtpPortMin, 1024),
    port('rtpPortMax', config.rtpPortMax, 1024),
  ]
  // RFC 3550 11: one call takes two ports, an even one for RTP and the next for RTCP.
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
    protocol: oneOf('protocol', config.protocol, ['udp', 'tcp', 'udp+tcp']),
    ipVersion: oneOf('ipVersion', config.ipVersion, ['prefer-4', 'prefer-6', '4', '6']),
    bindAddress: shaped('bindAddress', config.bindAddress, isIp, 'IP address'),
    bindPort: port('bindPort', config.bindPort, 0),
    publicAddress: shaped('publicAddress', config.publicAddress, isHostPort, 'host or host:port'),
    userAgent: text(config.userAgent) || ownName(),
    rtpPortMin,
    rtpPortMax,
  }
}

/** Who we say we are where the setting is empty. This file runs as dist/nodes/sip-transport/sip-transport.js. */
function ownName(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return `Ringflow/${(JSON.parse(text) as { version: string }).version}`
}
