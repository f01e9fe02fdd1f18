import { portFault } from './addresses.js'
import { type Options, UsageError } from './options.js'

export interface CallTarget {
  target: string
  /** Host in the target, with `:port` if there is one. */
  host: string | undefined
}

/** The one target of a call or request: an argument or --target. */
export function targetFrom(options: Options, positionals = options.positionals): CallTarget {
  const [first, second] = typedTargets(options, positionals)
  if (second !== undefined) throw new UsageError(`“${first}” and “${second}” are two targets. Use one`)
  return checkedTarget(options, first)
}

/** The targets of a call, at least one: arguments and --target. */
export function targetsFrom(options: Options): [CallTarget, ...CallTarget[]] {
  const [first, ...others] = typedTargets(options, options.positionals)
  return [checkedTarget(options, first), ...others.map((target) => checkedTarget(options, target))]
}

function typedTargets(options: Options, positionals: readonly string[]): [string, ...string[]] {
  const typed = [...positionals, ...(options.isTyped('target') ? [options.text('target') ?? ''] : [])]
  const [first = options.text('target') ?? '', ...others] = typed
  return [first, ...others]
}

function checkedTarget(options: Options, target: string): CallTarget {
  if (target.trim() === '') throw new UsageError('the target is missing. Use a number or an address')
  const host = hostIn(target)
  if (host === '') throw new UsageError(`“${target}” lacks a host. Use an address like sip:test@192.0.2.1`)
  const why = host && portFault(host)
  if (why) throw new UsageError(`the target “${target}” is not valid. ${why}`)
  if (host === undefined && !options.text('server')) throw new UsageError(withoutHost(target))
  return { target, host }
}

/** Undefined for a target without a place for a host, '' where the host is missing in its place. */
function hostIn(target: string): string | undefined {
  if (/^(?:tel:|[a-z][a-z0-9+.-]*:\/\/)/i.test(target)) return undefined
  return /@([^;?>]*)/.exec(target)?.[1] ?? /^sips?:([^;?]*)/i.exec(target)?.[1]
}

function withoutHost(target: string): string {
  const [, scheme, number = ''] = /^([a-z][a-z0-9+.-]*):(.*)$/i.exec(target) ?? []
  if (scheme === undefined) return `“${target}” has no host. Add --server, or use sip:${target}@host`
  if (/^tel$/i.test(scheme)) return `“${target}” has no host. Add --server, or use sip:${number}@host`
  return `“${target}”: ${scheme}: addresses cannot be called. Use a number, name@host, sip:, sips: or tel:`
}
