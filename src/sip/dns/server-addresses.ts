import { isIP } from 'node:net'
import type { Names } from './records.js'
import { SRV_PREFIXES } from './sip-services.js'

/**
 * Addresses of the servers of a SIP domain, by its service records (RFC 3263) and its own address, both families: requests may go to each of
 * them, and come from each of them. Rejects if there is none.
 */
export async function serverAddresses(names: Names, domain: string): Promise<readonly string[]> {
  if (isIP(domain) !== 0) return [domain]
  const own = names.lookup(domain)
  const ownFound = own.catch(() => [])
  const [naptr = []] = await found([names.naptr(domain)])
  const services = [
    ...naptr.map(({ replacement }) => replacement),
    ...Object.values(SRV_PREFIXES).map((p) => p + domain),
  ]
  const records = (await found([...new Set(services)].map((service) => names.srv(service)))).flat()
  const hosts = records.toSorted((a, b) => a.priority - b.priority).map(({ target }) => target)
  const served = (await found([...new Set(hosts)].map((host) => names.lookup(host)))).flat()
  const all = [...new Set([...served, ...(await ownFound)])]
  return all.length > 0 ? all : own
}

async function found<T>(questions: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(questions)
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}
