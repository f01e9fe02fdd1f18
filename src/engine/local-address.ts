import { createSocket } from 'node:dgram'
import { isIP, isIPv6, connect as tcpConnect } from 'node:net'
import type { Lookup } from '../account/policy.js'
import type { HostPort } from '../base/host-port.js'
import type { SipProtocol } from '../sip/types.js'
import type { IpVersion } from './protocol.js'

export interface Destination extends HostPort {
  /** Protocol of the packets to the peer. */
  protocol?: SipProtocol
  ipVersion?: IpVersion
  /** The local address that did not work: an address of the other IP version is preferred. */
  avoid?: string
}

const LOOPBACK = { 4: '127.0.0.1', 6: '::1' } as const
const LOOKUP_MS = 3_000
/** A refused datagram is reported by ICMP, soon or never. */
const REFUSAL_MS = 250
const CONNECT_MS = 2_000
/** RFC 5626 4.4.1: a keep-alive that every SIP element ignores. */
const KEEP_ALIVE = '\r\n\r\n'

/**
 * The local address from which this machine reaches a host, from the routing table by connecting a UDP socket.
 * If the host has addresses of both IP versions, the preferred version comes first. The other version is used if there is
 * no route, the host refuses, or the address did not work before (`avoid`). Loopback if the host cannot be resolved or
 * reached, so that no socket is open to a network by mistake.
 */
export async function localAddressFor(peer: Destination, resolve: Lookup): Promise<string> {
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
  // No other address works: stay.
  if (avoid !== undefined && routed.includes(avoid)) return avoid
  return routed[0] ?? LOOPBACK[ipVersion === '6' ? 6 : 4]
}

/** The IP versions in the order of the tries. */
function familiesOf(ipVersion: IpVersion): (4 | 6)[] {
  if (ipVersion === '4') return [4]
  if (ipVersion === '6') return [6]
  return ipVersion === 'prefer-6' ? [6, 4] : [4, 6]
}

/** The source address from the routing table; undefined without a route. */
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

const isReachable = (address: string, { port, protocol }: Destination): Promise<boolean> =>
  protocol === 'udp' || protocol === undefined ? doesNotRefuse(address, port) : takesConnections(address, port)

/** Only a connected socket receives ICMP errors, and the socket of an endpoint is never connected. */
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
