import { lookup } from 'node:dns/promises'
import { TelephonyError } from '../../base/errors.js'
import type { Family } from './address.js'

/** The address of a host name in this family. */
export type Resolve = (hostName: string, family: Family) => Promise<string>

/** A or AAAA record by the system's resolver. RFC 3263 (NAPTR, SRV) will stand behind the same function. */
export const resolveBySystem: Resolve = async (hostName, family) => {
  try {
    return (await lookup(hostName, { family })).address
  } catch (error) {
    throw new TelephonyError('TRANSPORT', `the name ${hostName} cannot be resolved`, { cause: error })
  }
}
