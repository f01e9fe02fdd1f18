export type Family = 4 | 6

/** RFC 2782. */
export interface SrvRecord {
  priority: number
  weight: number
  port: number
  /** '.': the service is decidedly not available at this domain. */
  target: string
}

/** RFC 3403 4.1. */
export interface NaptrRecord {
  order: number
  preference: number
  flags: string
  service: string
  replacement: string
}

/** What DNS, the hosts file and the system know about names. All methods reject with TRANSPORT if the question could not be answered. */
export interface Names {
  /** In the order of the answer; an empty list if the name has no address of this family. */
  addresses(name: string, family: Family): Promise<readonly string[]>
  /** An empty list if there are none. */
  srv(name: string): Promise<readonly SrvRecord[]>
  naptr(name: string): Promise<readonly NaptrRecord[]>
  /** Addresses of both families; an address resolves to itself. Rejects if the name has no address. */
  lookup(name: string): Promise<readonly string[]>
}
