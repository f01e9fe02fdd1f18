import assert from 'node:assert/strict'
import { Routes } from '../../../../src/sip/user-agent/routes.js'
import { uriOf } from '../../../support/uri.js'

const texts = (routes: readonly { text: string }[]): string[] => routes.map(({ text }) => text)
const FAR = uriOf('sip:bob@far.example.org')
const HOME = uriOf('sip:bob@example.com')

describe('the routes of an account', () => {
  it('are its own proxies, then the Service-Route of the registrar (RFC 3608 5), but for a REGISTER (6.1)', () => {
    const routes = new Routes({ routeSet: ['<sip:edge.example.com;lr>'] })
    assert.deepEqual(texts(routes.to(FAR)), ['<sip:edge.example.com;lr>'])
    routes.serviceRoute = ['<sip:one.example.com;lr>', '<sip:two.example.com;lr>']
    const all = ['<sip:edge.example.com;lr>', '<sip:one.example.com;lr>', '<sip:two.example.com;lr>']
    assert.deepEqual(texts(routes.to(FAR)), all)
    assert.deepEqual(texts(routes.toRegistrar(HOME)), ['<sip:edge.example.com;lr>'])
    routes.serviceRoute = []
    assert.deepEqual(texts(routes.to(FAR)), ['<sip:edge.example.com;lr>'])
  })

  it('do not visit our last proxy twice if the Service-Route begins with it', () => {
    const routes = new Routes({ routeSet: ['<sip:edge.example.com;lr>'] })
    routes.serviceRoute = ['<sip:edge.example.com:5060;lr;x=1>', '<sip:two.example.com;lr>']
    assert.deepEqual(texts(routes.to(FAR)), ['<sip:edge.example.com;lr>', '<sip:two.example.com;lr>'])
  })

  it('to the own domain lead over its registrar, unless that has named a Service-Route', () => {
    const routes = new Routes({
      routeSet: [],
      home: { domain: 'example.com', routeSet: ['<sip:registrar.example.net;lr>'] },
    })
    assert.deepEqual(texts(routes.to(HOME)), ['<sip:registrar.example.net;lr>'])
    assert.deepEqual(texts(routes.to(FAR)), [])
    routes.serviceRoute = ['<sip:one.example.com;lr>']
    for (const target of [HOME, FAR]) assert.deepEqual(texts(routes.to(target)), ['<sip:one.example.com;lr>'])
  })

  it('are refused if they are not routes', () => {
    assert.throws(() => new Routes({ routeSet: ['nothing <'] }), { code: 'BAD_CONFIG' })
  })
})
