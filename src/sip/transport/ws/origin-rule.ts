import { TelephonyError } from '../../../base/errors.js'

/** RFC 6455 10.2: whether a page of this Origin may connect. `host`: the Host header, by which the browser reached us. */
export type OriginRule = (origin: string | undefined, host: string | undefined) => boolean

/**
 * Programs other than browsers send no Origin and may connect. Of browsers, by default, only pages that the same host served may (the
 * port is another one: Node-RED's). `*` lets all pages in. Throws BAD_CONFIG for an entry that is not an origin.
 */
export function originRule(origins: readonly string[]): OriginRule {
  if (origins.includes('*')) return () => true
  const allowed = new Set(origins.map(configured))
  return (origin, host) => {
    if (origin === undefined) return true
    const url = parsed(origin)
    if (!url) return allowed.has(origin)
    return allowed.size > 0 ? allowed.has(url.origin) : url.hostname === parsed(`http://${host}`)?.hostname
  }
}

function configured(entry: string): string {
  if (entry === 'null') return entry // pages without an origin of their own, from files for example
  const url = parsed(entry)
  if (url && (url.protocol === 'http:' || url.protocol === 'https:') && url.pathname === '/') return url.origin
  throw new TelephonyError(
    'BAD_CONFIG',
    `${JSON.stringify(entry)} is not the origin of a web page. Use one like https://phone.example.com, or * for all pages`,
  )
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
