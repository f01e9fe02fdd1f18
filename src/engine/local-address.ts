import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIP, isIPv4, isIPv6, connect as tcpConnect } from 'node:net'
import type { HostPort } from '../account/aor.js'
import type { Lookup } from '../account/policy.js'
import type { SipProtocol } from '../sip/types.js'
import type { IpVersion } from './protocol.js'

export interface Towards extends HostPort {
  /** How the peer will be spoken to. */
  protocol?: SipProtocol
  ipVersion?: IpVersion
  /** The address that did not work: one of the other family is better, where there is one. */
  avoid?: string
}

const LOOPBACK = { 4: '127.0.0.1', 6: '::1' } as const
const LOOKUP_MS = 3_000
/** On a datagram only a refusal is an answer; it comes soon or never. */
const REFUSAL_MS = 250
const CONNECT_MS = 2_000
/** RFC 5626 4.4.1: every SIP element ignores it. */
const KEEP_ALIVE = '\r\n\r\n'

/** Addresses of both families, in the order of the system (RFC 6724). */
export const systemLookup: Lookup = async (host) => {
  if (isIPv4(host)) return [host]
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}

/**
 * The local address from which this machine reaches a host: the routing table gives it when a UDP socket is connected.
 * Where the host has addresses of both families, the preferred family comes first and falls back to the other: where it has
 * no route, where the host refuses, and where it did not work (`avoid`). Loopback where the host cannot be resolved or
 * reached: then nothing is opened to a network by mistake.
 */
export async function localAddressTowards(peer: Towards, resolve: Lookup): Promise<string> {
  const { ipVersion = 'prefer-4', avoid } = peer
  const unresolved = new Promise<readonly string[]>((done) => setTimeout(() => done([]), LOOKUP_MS).unref())
  const addresses = await Promise.race([resolve(peer.host).catch(() => []), unresolved])
  const failed = isIP(avoid ?? '')
  const families = familiesOf(ipVersion).toSorted((a, b) => Number(a === failed) - Number(b === failed))
  const candidates = families.flatMap((family) => addresses.find((address) => isIP(address) === family) ?? [])
  const routed: string[] = []
  for (const address of candidates) {
    const local = await sourceTowards(address, peer.port)
    if (local === undefined) continue
    if (candidates.length === 1 || (await isReachable(address, peer))) return local
    routed.push(local)
  }
  // No address answers: no reason to move.
  if (avoid !== undefined && routed.includes(avoid)) return avoid
  return routed[0] ?? LOOPBACK[ipVersion === '6' ? 6 : 4]
}

/** In the order in which they are tried. */
function familiesOf(ipVersion: IpVersion): (4 | 6)[] {
  if (ipVersion === '4') return [4]
  if (ipVersion === '6') return [6]
  return ipVersion === 'prefer-6' ? [6, 4] : [4, 6]
}

/** The source address in the routing table; undefined: no route. */
function sourceTowards(address: string, port: number): Promise<string | undefined> {
  return new Promise((done) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const finish = (local: string | undefined) => {
      socket.close()
      done(local)
    }
    socket.once('error', () => finish(undefined))
    socket.once('connect', () => finish(socket.address().address))
    socket.connect(port, address)
  })
}

const isReachable = (address: string, { port, protocol }: Towards): Promise<boolean> =>
  protocol === 'tcp' ? takesConnections(address, port) : doesNotRefuse(address, port)

/** An ICMP error comes back to a connected socket only, which an endpoint's never is. */
function doesNotRefuse(address: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const finish = (reachable: boolean) => {
      clearTimeout(timer)
      socket.close()
      done(reachable)
    }
    const timer = setTimeout(() => finish(true), REFUSAL_MS)
    socket.once('error', () => finish(false))
    socket.connect(port, address, () => socket.send(KEEP_ALIVE))
  })
}

function takesConnections(address: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = tcpConnect({ host: address, port })
    const finish = (reachable: boolean) => {
      socket.destroy()
      done(reachable)
    }
    socket.setTimeout(CONNECT_MS, () => finish(false))
    socket.once('error', () => finish(false))
    socket.once('connect', () => finish(true))
  })
}
