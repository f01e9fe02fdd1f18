import type { ProxyConfig } from '../../src/engine/protocol.js'
import { defineConfig } from '../shared/define-config.js'
import { isHop } from '../shared/editor/validate.js'
import { FieldError } from '../shared/errors.js'
import type { RED } from '../shared/red.js'
import { list, shaped, text } from '../shared/settings.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/** The outbound proxy that an account's requests go through, as a route set: `sip:proxy.example.com:5060`. */
export default function sipProxy(RED: RED): void {
  defineConfig(RED, {
    type: 'sip-proxy',
    defaults,
    migrations,
    parse: (config, { id }) => parse(config, id),
  })
}

function parse(config: Config, id: string): ProxyConfig {
  const hops = list(config.hops).map((hop) => shaped('hops', hop, isHop, 'proxy'))
  if (hops.length === 0) throw new FieldError('BAD_CONFIG', 'hops', 'name at least one proxy')
  return { id, name: text(config.name), hops }
}
