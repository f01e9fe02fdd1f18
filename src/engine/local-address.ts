import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIPv4 } from 'node:net'
import type { HostPort } from '../account/aor.js'
import type { Lookup } from '../account/policy.js'

const LOOPBACK = '127.0.0.1'
const LOOKUP_MS = 3_000

export const systemLookup: Lookup = async (host) => {
  if (isIPv4(host)) return [host]
  const found = await lookup(host, { family: 4, all: true })
  return found.map(({ address }) => address)
}

/**
 * The local IPv4 address from which this machine reaches a host: what the routing table says when a UDP socket is connected; no packet
 * is sent. 127.0.0.1 where the host cannot be resolved or reached: then nothing is opened to a network by mistake.
 */
export async function localAddressTowards(peer: HostPort, resolve: Lookup): Promise<string> {
  const unresolved = new Promise<readonly string[]>((done) => setTimeout(() => done([]), LOOKUP_MS).unref())
  const [address] = await Promise.race([resolve(peer.host).catch(() => []), unresolved])
  return address === undefined ? LOOPBACK : probe(address, peer.port)
}

function probe(address: string, port: number): Promise<string> {
  return new Promise((done) => {
    const socket = createSocket('udp4')
    const finish = (local: string) => {
      socket.close()
      done(local)
    }
    socket.once('error', () => finish(LOOPBACK))
    socket.once('connect', () => finish(socket.address().address))
    socket.connect(port, address)
  })
}
