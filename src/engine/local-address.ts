import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIP, isIPv4, isIPv6, connect as tcpConnect } from 'node:net'
import type { HostPort } from '../account/aor.js'
import type { Lookup } from '../account/policy.js'
import type { SipProtocol } from '../sip/types.js'

export interface Towards extends HostPort {
  /** How the peer will be spoken to. */
  protocol?: SipProtocol
  ipVersion?: 'auto' | '4' | '6'
  /** The address that did not work: one of the other family is better, where there is one. */
  avoid?: string
}

const LOOPBACK = { 4: '127.0.0.1', 6: '::1' } as const
const LOOKUP_MS = 3_000
/** On a datagram only a refusal is an answer; it comes soon or never. */
const REFUSAL_MS = 250
const CONNECT_MS = 2_000
/** RFC 5626 4.4.1: what every SIP element passes over. */
const NOTHING = '\r\n\r\n'

/** Both families, in the order in which the system would try them (RFC 6724). */
export const systemLookup: Lookup = async (host) => {
  if (isIPv4(host)) return [host]
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}

/**
 * The local address from which this machine reaches a host: what the routing table says when a UDP socket is connected.
 * Where the host has addresses of both families, the first that can be reached decides: one without a route, or that
 * refuses, gives way to the other. Loopback where the host cannot be resolved or reached: then nothing is opened to a
 * network by mistake.
 */
export async function localAddressTowards(peer: Towards, resolve: Lookup): Promise<string> {
  const { ipVersion = 'auto', avoid } = peer
  const unresolved = new Promise<readonly string[]>((done) => setTimeout(() => done([]), LOOKUP_MS).unref())
  const addresses = await Promise.race([resolve(peer.host).catch(() => []), unresolved])
  const firstOfEach = addresses.filter((a, i) => addresses.findIndex((b) => isIP(a) === isIP(b)) === i)
  const candidates = firstOfEach.filter((address) => ipVersion === 'auto' || String(isIP(address)) === ipVersion)
  if (avoid !== undefined) candidates.sort((a, b) => Number(isIP(a) === isIP(avoid)) - Number(isIP(b) === isIP(avoid)))
  const routed: string[] = []
  for (const address of candidates) {
    const local = await sourceTowards(address, peer.port)
    if (local === undefined) continue
    if (candidates.length === 1 || (await isReachable(address, peer))) return local
    routed.push(local)
  }
  // Nobody answers anywhere: no reason to move.
  if (avoid !== undefined && routed.includes(avoid)) return avoid
  return routed[0] ?? LOOPBACK[ipVersion === '6' ? 6 : 4]
}

/** What the routing table says; undefined: no way there. */
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
    socket.connect(port, address, () => socket.send(NOTHING))
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
