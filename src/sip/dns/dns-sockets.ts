import { createSocket } from 'node:dgram'
import { isIPv6, connect as tcpConnect } from 'node:net'
import type { Inquire, Inquiry } from './dns-client.js'
import type { DnsServer } from './dns-server.js'

type Read<T> = (bytes: Buffer) => T | undefined

/** Questions by real sockets. */
export const inquire: Inquire = (how, server, question, read) =>
  how === 'udp' ? byUdp(server, question, read) : byTcp(server, question, read)

/**
 * A socket of its own for each question has a random port (RFC 5452 9.2). It is connected, so the system drops datagrams from other sources
 * and reports a port that is closed.
 */
function byUdp<T>({ host, port }: DnsServer, question: Buffer, read: Read<T>): Inquiry<T> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  let isOpen = true
  const close = (): void => {
    if (isOpen) socket.close()
    isOpen = false
  }
  const reply = new Promise<T>((resolve, reject) => {
    socket.once('error', (error) => {
      close()
      reject(error)
    })
    socket.on('message', (bytes) => {
      const found = read(bytes)
      if (found === undefined) return
      close()
      resolve(found)
    })
    socket.once('connect', () => {
      if (isOpen) socket.send(question)
    })
    socket.connect(port, host)
  })
  return { reply, close }
}

const LENGTH_OCTETS = 2

/** RFC 1035 4.2.2: each message follows its length. */
function byTcp<T>({ host, port }: DnsServer, question: Buffer, read: Read<T>): Inquiry<T> {
  const socket = tcpConnect({ host, port })
  const close = (): void => void socket.destroy()
  const reply = new Promise<T>((resolve, reject) => {
    let received = Buffer.alloc(0)
    const fail = (error: Error): void => {
      close()
      reject(error)
    }
    socket.once('error', fail)
    socket.once('end', () => fail(new Error('the connection ended before the answer')))
    socket.once('connect', () => {
      const length = Buffer.alloc(LENGTH_OCTETS)
      length.writeUInt16BE(question.length)
      socket.write(Buffer.concat([length, question]))
    })
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes])
      const end = received.length < LENGTH_OCTETS ? Infinity : LENGTH_OCTETS + received.readUInt16BE()
      if (received.length < end) return
      const found = read(received.subarray(LENGTH_OCTETS, end))
      if (found === undefined) return fail(new Error('the answer belongs to another question'))
      close()
      resolve(found)
    })
  })
  return { reply, close }
}
