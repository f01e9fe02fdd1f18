import { type Options, UsageError } from './options.js'

export interface CallTarget {
  target: string
  /** Host that the target names itself, with `:port` where it has one. */
  host: string | undefined
}

/** The one target of a call: an argument or --target. */
export function targetFrom(options: Options): CallTarget {
  const typed = [...options.positionals, ...(options.isTyped('target') ? [options.text('target') ?? ''] : [])]
  const [target = options.text('target') ?? '', second] = typed
  if (target.trim() === '') throw new UsageError('give a target: a number or an address')
  if (second !== undefined) throw new UsageError(`give one target: “${target}” and “${second}” are two`)
  const host = hostIn(target)
  if (host === undefined && !options.text('server')) throw new UsageError(withoutHost(target))
  return { target, host }
}

function hostIn(target: string): string | undefined {
  if (/^(?:tel:|[a-z][a-z0-9+.-]*:\/\/)/i.test(target)) return undefined
  return /@([^;?>]+)/.exec(target)?.[1] ?? /^sips?:([^@;?]+)/i.exec(target)?.[1]
}

function withoutHost(target: string): string {
  const [, scheme, number = ''] = /^([a-z][a-z0-9+.-]*):(.*)$/i.exec(target) ?? []
  if (scheme === undefined) return `“${target}” names no host: add --server, or write it like sip:${target}@host`
  if (/^tel$/i.test(scheme)) return `“${target}” names no host: add --server, or write it like sip:${number}@host`
  return `“${target}”: ${scheme}: addresses cannot be called. Use a number, name@host, sip: or tel:`
}
