import { MemoryNetwork } from '../../support/memory-network.js'
import { transportContract } from './transport-contract.js'

transportContract({ name: 'UDP', protocol: 'udp', host: '127.0.0.1' })
transportContract({ name: 'TCP', protocol: 'tcp', host: '127.0.0.1' })
transportContract({ name: 'UDP over IPv6', protocol: 'udp', host: '::1' })
transportContract({ name: 'TCP over IPv6', protocol: 'tcp', host: '::1' })
transportContract({ name: 'memory', protocol: 'udp', host: '127.0.0.1', openTransports: new MemoryNetwork().open })
transportContract({ name: 'TLS', protocol: 'tls', host: '127.0.0.1' })
transportContract({ name: 'TLS over IPv6', protocol: 'tls', host: '::1' })
transportContract({ name: 'WebSocket', protocol: 'ws', host: '127.0.0.1' })
transportContract({ name: 'WebSocket over IPv6', protocol: 'ws', host: '::1' })
transportContract({ name: 'WebSocket over TLS', protocol: 'wss', host: '127.0.0.1' })
