import { createSocket } from 'node:dgram'

/** Different free UDP ports on loopback: all are held until the last one is found. */
export async function freeUdpPorts(count: number): Promise<number[]> {
  const sockets = Array.from({ length: count }, () => createSocket('udp4'))
  await Promise.all(sockets.map((socket) => new Promise<void>((done) => socket.bind(0, '127.0.0.1', done))))
  const ports = sockets.map((socket) => socket.address().port)
  await Promise.all(sockets.map((socket) => new Promise<void>((done) => socket.close(done))))
  return ports
}
