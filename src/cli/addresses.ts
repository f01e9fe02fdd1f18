import { MAX_PORT } from '../base/limits.js'
import { type Options, UsageError } from './options.js'

/** RFC 3261 25.1 `user`, and the host of a name@host. */
const USER = /^[\w.!~*'()&=+$,;?/%@:-]+$/
const HOST = /^(?:[\w.-]+|\[[\da-f:.%]+\]|[\da-f]*:[\da-f:.]*:[\da-f.]*)$/i

/** Text for an error message if the port of `host:port` is wrong. An IPv6 address without brackets has no port. */
export function portFault(hostPort: string): string | undefined {
  const port = /^(?:\[[^\]]*\]|[^:]*):([^:]*)$/.exec(hostPort)?.[1]
  if (port === undefined) return undefined
  if (!/^\d+$/.test(port)) return `Port ${port || '“”'} is not a number`
  return Number(port) < 1 || Number(port) > MAX_PORT ? `Port ${port} is not between 1 and ${MAX_PORT}` : undefined
}

/** Checks --server and --user, so that an error names the option and not the address that is made of both. */
export function checkIdentity(options: Options): void {
  const server = options.text('server')
  if (server) {
    const hostPort = server
      .trim()
      .replace(/^sips?:/i, '')
      .replace(/[;?].*$/, '')
    const host = hostPort.replace(/^((?:\[[^\]]*\])|[^:]*):[^:]*$/, '$1')
    const why =
      portFault(hostPort) ?? (HOST.test(host) ? undefined : 'Use a host, with or without a port, like pbx.local:5060')
    if (why) throw new UsageError(`--server ${server} is not valid. ${why}`)
  }
  const user = options.text('user')
  if (user !== undefined && !USER.test(user))
    throw new UsageError(`--user ${user || '“”'} is not valid. Use a name or number without blanks, or name@domain`)
}
