import assert from 'node:assert/strict'
import { defaults, parseTransport } from '../../../nodes/shared/transport-config.js'
import { checkConfig } from '../../../src/engine/account-config.js'
import { loopbackAccount } from '../../support/engine-pair.js'

const parsed = (settings: Partial<typeof defaults>, tlsPassphrase = '') =>
  parseTransport({ ...defaults, ...settings }, { id: 't', folder: '/data', credentials: { tlsPassphrase } })

describe('the settings of a transport', () => {
  it('are UDP 5060 and no certificate unless changed', () => {
    const { ports, tls, ws, trace } = parsed({})
    assert.deepEqual(
      { ports, tls, ws, trace },
      { ports: { udp: 5060 }, tls: undefined, ws: undefined, trace: undefined },
    )
  })

  it('give each protocol its port; an empty one means no listener', () => {
    const { ports } = parsed({ udpPort: '', tcpPort: '5060', tlsPort: '5061', wsPort: '0', wssPort: ' 8443 ' })
    assert.deepEqual(ports, { tcp: 5060, tls: 5061, ws: 0, wss: 8443 })
    assert.deepEqual(parsed({ udpPort: '' }).ports, {})
    assert.throws(() => parsed({ tlsPort: '70000' }), /tlsPort: 70000 is not between 0 and 65535/)
  })

  it('name PEM files below the user directory, and their passphrase', () => {
    const files = { tlsCertificate: 'cert.pem', tlsKey: '/etc/key.pem', tlsCa: 'ca/own.pem' }
    assert.deepEqual(parsed(files, 'secret').tls, {
      pair: { certificate: { file: '/data/cert.pem' }, key: { file: '/etc/key.pem' }, passphrase: 'secret' },
      ca: { file: '/data/ca/own.pem' },
    })
    assert.throws(() => parsed({ tlsCertificate: 'cert.pem' }), /tlsKey: must not be empty/)
    assert.throws(() => parsed({ tlsKey: 'key.pem' }), /tlsCertificate: must not be empty/)
  })

  it('say what is checked, of servers and of clients', () => {
    assert.deepEqual(parsed({ tlsVerify: 'off' }).tls, { verify: 'off' })
    const { tls } = parsed({ tlsWildcards: true, tlsClients: 'require', tlsCa: '/ca.pem' })
    assert.deepEqual(tls, { ca: { file: '/ca.pem' }, allowWildcards: true, clientCertificate: 'require' })
  })

  it('say which pages may connect, and the path of servers', () => {
    const { ws } = parsed({ wsOrigins: 'https://a.test, http://b.test:1880', wsPath: '/sip' })
    assert.deepEqual(ws, { origins: ['https://a.test', 'http://b.test:1880'], path: '/sip' })
    assert.throws(() => parsed({ wsOrigins: 'a.test' }), /wsOrigins: "a.test" is not a valid origin/)
    assert.throws(() => parsed({ wsPath: 'ws' }), /wsPath: "ws" is not a valid path/)
  })

  it('name the public address, or a STUN server, and the address for sound', () => {
    const { stunServer, mediaAddress } = parsed({ stunServer: 'stun.test:3478', mediaAddress: '2001:db8::7' })
    assert.deepEqual([stunServer, mediaAddress], ['stun.test:3478', '2001:db8::7'])
    assert.throws(() => parsed({ mediaAddress: 'a:1' }), /mediaAddress: "a:1" is not a valid host/)
  })

  it('say how often NAT bindings are kept alive', () => {
    const keepAlives = ['', '0', '15'].map((keepAlive) => parsed({ keepAlive }).keepAliveMs)
    assert.deepEqual(keepAlives, [undefined, 0, 15_000])
    assert.throws(() => parsed({ keepAlive: '2.5' }), /keepAlive: 2.5 is not between 5 and 3600/)
  })

  it('are accepted by the engine with every protocol of an account, also without a port except UDP', () => {
    for (const protocol of ['tcp', 'tls', 'ws', 'wss'] as const) {
      const transport = parsed({ udpPort: '' })
      assert.equal(checkConfig(loopbackAccount('alice', { transport, protocol })).protocol, protocol)
    }
    const withoutUdp = loopbackAccount('alice', { transport: parsed({ udpPort: '' }), protocol: 'udp' })
    assert.throws(() => checkConfig(withoutUdp), /the account uses UDP, but its transport has no port/)
  })
})
