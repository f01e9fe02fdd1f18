import { uriHost } from '../uri/host.js'
import type { HostPort } from './transport.js'

/** The `sent-by` of a Via (RFC 3261 18.1.1), as it is compared: in lower case. */
export const sentByOf = ({ host, port }: HostPort): string => `${uriHost(host)}:${port}`.toLowerCase()
