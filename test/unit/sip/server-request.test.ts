import assert from 'node:assert/strict'
import type { ParsedRequest } from '../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../src/sip/message/parser.js'
import { ServerRequest } from '../../../src/sip/server-request.js'
import type { NonInviteServer } from '../../../src/sip/transaction/non-invite-server.js'
import { requestText, SOURCE } from '../../support/sip-messages.js'

const ROUTES = ['<sip:p2.example.com;lr>', '<sip:p1.example.com;lr>']

function come(method: string, to = '<sip:bob@example.org>'): { request: ServerRequest; sent: string[] } {
  const headers = [...ROUTES.map((route) => `Record-Route: ${route}`), 'Timestamp: 54.1']
  const message = parseMessage(Buffer.from(requestText({ method, to, headers })), SOURCE) as ParsedRequest
  const sent: string[] = []
  const transaction = { respond: (_: number, text: string) => void sent.push(text) } as unknown as NonInviteServer
  return { request: new ServerRequest(message, transaction, 'ours'), sent }
}

const valuesOf = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}: (.*)\r$`, 'gm'))].map(([, value = '']) => value)

describe('ServerRequest', () => {
  for (const method of ['INVITE', 'SUBSCRIBE', 'REFER']) {
    it(`${method}: what makes the dialog carries the way back, in its order (RFC 3261 12.1.1); 100 and failures do not`, () => {
      const { request } = come(method)
      for (const status of [180, 200, 202]) {
        assert.deepEqual(valuesOf(request.respond(status), 'Record-Route'), ROUTES, `${status}`)
      }
      for (const status of [100, 302, 486]) assert.deepEqual(valuesOf(request.respond(status), 'Record-Route'), [])
    })
  }

  it('other methods make no dialog', () => {
    for (const method of ['OPTIONS', 'MESSAGE', 'BYE', 'NOTIFY']) {
      assert.deepEqual(valuesOf(come(method).request.respond(200), 'Record-Route'), [])
    }
  })

  it('has its To tag in each response but 100, and leaves the tag that the request has (8.2.6.2)', () => {
    const { request, sent } = come('INVITE')
    request.trying()
    request.respond(180)
    request.respond(486)
    const to = sent.map((text) => valuesOf(text, 'To')[0])
    const tagged = '<sip:bob@example.org>;tag=ours'
    assert.deepEqual(to, ['<sip:bob@example.org>', tagged, tagged])
    const within = come('INVITE', '<sip:bob@example.org>;TAG=dialog')
    within.request.trying()
    within.request.respond(200)
    for (const text of within.sent) assert.deepEqual(valuesOf(text, 'To'), ['<sip:bob@example.org>;TAG=dialog'])
  })

  it('repeats Timestamp in 100 only (8.2.6.1)', () => {
    const { request, sent } = come('INVITE')
    request.trying()
    request.respond(200)
    assert.deepEqual(
      sent.map((text) => valuesOf(text, 'Timestamp')),
      [['54.1'], []],
    )
  })
})
