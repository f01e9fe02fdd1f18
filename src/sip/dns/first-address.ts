import { TelephonyError } from '../../base/errors.js'
import type { Family, Names } from './records.js'

/** For a router that takes one address of a host. */
export const firstAddress =
  (names: Names) =>
  async (host: string, family: Family): Promise<string> => {
    const [first] = await names.addresses(host, family)
    if (first !== undefined) return first
    throw new TelephonyError('TRANSPORT', `the name ${host} cannot be resolved: it has no IPv${family} address`)
  }
