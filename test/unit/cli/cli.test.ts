import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { checkAccount } from '../../../src/account/account.js'
import { deferred } from '../../../src/base/deferred.js'
import { TelephonyError } from '../../../src/base/errors.js'
import type { CallEnd } from '../../../src/call/call-event.js'
import { accountFrom } from '../../../src/cli/account-options.js'
import { adviceFor, adviceForError, adviceForStatus } from '../../../src/cli/advice.js'
import { groupFrom } from '../../../src/cli/call-group.js'
import { callOptionsFrom, callSettingsFrom } from '../../../src/cli/call-options.js'
import { main } from '../../../src/cli/cli.js'
import { parseListen } from '../../../src/cli/listen.js'
import { parseOptions, UsageError } from '../../../src/cli/options.js'
import { outcomeOf } from '../../../src/cli/outcome.js'
import { registrationFailure } from '../../../src/cli/registration-failure.js'
import { Report } from '../../../src/cli/report.js'
import { endsBySound, rootsOf, soundFrom } from '../../../src/cli/sound.js'
import { answer, call } from '../../../src/cli/specs.js'
import { STILL_WAITING_MS, tellWaiting } from '../../../src/cli/waiting.js'
import type { AccountConfig, TransportConfig } from '../../../src/engine/protocol.js'
import { FakeClock } from '../../support/fake-clock.js'
import { repoPath } from '../../support/repo.js'

const options = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  parseOptions({ ...call.options, ...answer.options }, args, env)

const routeOf = (account: AccountConfig): string[] => checkAccount(account).routeSet

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = []
  const err: string[] = []
  const code = await main(args, {}, { out: (line) => out.push(line), err: (line) => err.push(line) })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

describe('settings of calls', () => {
  it('come from options as the account node has them', () => {
    const set = callSettingsFrom(
      options(['--reliable-provisional', 'required', '--session-expires', '0', '--delayed-offer']),
    )
    assert.deepEqual(set, { reliableProvisional: 'required', sessionExpiresSec: 0, delayedOffer: true })
    assert.deepEqual(callSettingsFrom(options([])), {})
  })

  it('of a group: all at once unless the options say otherwise; one plain target makes none', () => {
    assert.equal(groupFrom(options([]), ['1001']), undefined)
    assert.deepEqual(groupFrom(options([]), ['1001', '1002']), {
      targets: [{ target: '1001' }, { target: '1002' }],
      strategy: 'all',
    })
    assert.deepEqual(
      groupFrom(options(['--confirm-key', '*', '--ring-each', '15', '--strategy', 'in-order']), ['1001']),
      {
        targets: [{ target: '1001', ringTimeoutMs: 15_000 }],
        strategy: 'in-order',
        confirm: { digit: '*', timeoutMs: 10_000 },
      },
    )
  })
})

describe('command line', () => {
  it('explains itself', async () => {
    const overview = await run('--help')
    assert.equal(overview.code, 0)
    for (const command of ['call', 'answer', 'register']) {
      assert.match(overview.out, new RegExp(`^  ${command} `, 'm'))
      const { code, out } = await run(command, '--help')
      assert.equal(code, 0)
      assert.match(out, /Usage: ringflow/)
      assert.match(out, /--password-file <path>/)
      assert.match(out, /^ {2}(RINGFLOW_PASSWORD=… )?ringflow/m)
    }
    assert.match((await run('--version')).out, /^\d+\.\d+\.\d+/)
  })

  const wrong = [
    [],
    ['dial'],
    ['__proto__'],
    ['call'],
    ['call', '1002'],
    ['call', 'a@127.0.0.1', '1002'],
    ['call', 'a@127.0.0.1', '--strategy', 'both'],
    ['call', 'a@127.0.0.1', '--ring-each', '0'],
    ['call', 'a@127.0.0.1', '--confirm-key', '12'],
    ['call', 'a@127.0.0.1', '--session-expires', '30'],
    ['call', 'a@127.0.0.1', '--reliable-provisional', 'on'],
    ['call', 'a@127.0.0.1', '--bogus'],
    ['call', 'a@127.0.0.1', '--play', 'a.wav', '--tone', '440'],
    ['call', 'a@127.0.0.1', '--play', 'nowhere.wav'],
    ['call', 'a@127.0.0.1', '--play', '.'],
    ['call', 'a@127.0.0.1', '--tone', 'loud'],
    ['call', 'a@127.0.0.1', '--duration', '0'],
    ['call', 'a@127.0.0.1', '--codecs', 'OPUS'],
    ['call', 'a@127.0.0.1', '--digits', '1x2'],
    ['call', 'a@127.0.0.1', '--rtp-ports', '5-4'],
    ['call', 'a@127.0.0.1', '--password-file', '/nonexistent'],
    ['answer'],
    ['answer', 'who'],
    ['answer', '--listen', 'sctp://127.0.0.1:5060'],
    ['call', 'a@127.0.0.1', '--protocol', 'sctp'],
    ['answer', '--listen', 'udp://127.0.0.1:99999'],
    ['register'],
    ['register', '--server', 'x'],
    ['-s', 'pbx.local'],
    ['call', 'a@127.0.0.1', '--record', 'nowhere/deeper/out.wav'],
    ['call', 'a@127.0.0.1', '--record', '.'],
    ['answer', '--listen', '127.0.0.1:0', '--ring-time', '181'],
    ['answer', '-t', '1002', '--listen', '127.0.0.1:0'],
    ['call', 'a@127.0.0.1', '--log-level', 'loud'],
    ['call', 'a@127.0.0.1', '--rtp-start-port', '80'],
    ['call', 'a@127.0.0.1', '--rtp-start-port', '20000', '--rtp-ports', '20000-20100'],
    ['call', 'a@127.0.0.1', '--local-port', '5070', '--listen', '127.0.0.1:5071'],
  ]
  for (const args of wrong) {
    it(`ends with 2 and says why: ringflow ${args.join(' ')}`, async () => {
      const { code, out, err } = await run(...args)
      assert.equal(code, 2)
      assert.ok((out + err).length > 0)
    })
  }

  for (const [args, message] of [
    [['call', 'tel:+4930123'], /has no host. Add --server, or use sip:\+4930123@host/],
    [
      ['call', 'http://pbx.example/1'],
      /http: addresses cannot be called. Use a number, name@host, sip:, sips: or tel:/,
    ],
    [['call', 'http://a@pbx.example/1'], /http: addresses cannot be called/],
    [['call', 'mailto:a@pbx.example'], /mailto: addresses cannot be called/],
    [['call', '1002', '-s', '127.0.0.1:99999'], /Port 99999 is not between 1 and 65535/],
    [['call', 'sip:1002@127.0.0.1:99999'], /Port 99999 is not between 1 and 65535/],
    [['call', 'a@127.0.0.1', '--outbound-proxy', '127.0.0.1:99999'], /Port 99999 is not between 1 and 65535/],
    [
      ['call', 'a@127.0.0.1', '--media-address', '127.0.0.1:4000'],
      /not a valid media address. Use an IP address or a host name/,
    ],
    [['call', 'a@127.0.0.1', '--public-address', '127.0.0.1:99999'], /port 99999 is not between 1 and 65535/],
    [
      ['call', 'a@127.0.0.1', '--local-port', '99999'],
      /--local-port 99999 is not valid. Use a whole number between 0 and 65535/,
    ],
    [
      ['call', 'a@127.0.0.1', '--listen', '127.0.0.1:99999'],
      /--listen 127.0.0.1:99999: port 99999 is not between 0 and 65535/,
    ],
    [['call', 'a@127.0.0.1', '--dns', 'ns.example'], /“ns.example” is not a valid DNS server. Use its address/],
    [['call', 'a@127.0.0.1', '--duration', '-5'], /--duration -5 is not a valid time. Use seconds, more than 0/],
    [['call', 'a@127.0.0.1', '-d', '-5'], /--duration -5 is not a valid time. Use seconds, more than 0/],
    [['call', 'a@127.0.0.1', '--duration', '--json'], /--duration needs a value/],
    [['call', 'a@127.0.0.1', '-d'], /-d, --duration needs a value/],
    [['call', 'a@127.0.0.1', '--json=1'], /--json does not take a value/],
    [['call', 'a@127.0.0.1', '--bogus'], /the option “--bogus” does not exist/],
    [['call', 'a@127.0.0.1', '--codecs', 'PCMU,G729'], /“G729” is not supported. Use PCMA, PCMU/],
    [['answer', '--listen', '127.0.0.1:0', '--from', 'nonsense'], /nonsense/],
    [['call', 'sip:'], /“sip:” lacks a host/],
    [['call', 'sip:a@', '-s', '127.0.0.1'], /“sip:a@” lacks a host/],
    [['call', 'a@'], /“a@” lacks a host/],
    [['call', 'sip:test@127.0.0.1:99999'], /the target “sip:test@127.0.0.1:99999” is not valid. Port 99999/],
    [['call', 'sip:test@[::1]:abc'], /the target “sip:test@\[::1\]:abc” is not valid. Port abc is not a number/],
    [['call', '1', '-s', '127.0.0.1:abc'], /--server 127.0.0.1:abc is not valid. Port abc is not a number/],
    [['register', '-u', '1', '-s', 'sip:127.0.0.1:99999;transport=tcp'], /--server .* is not valid. Port 99999/],
    [['register', '-u', '1', '-s', 'a b'], /--server a b is not valid. Use a host/],
    [['register', '-s', '127.0.0.1', '-u', 'a b'], /--user a b is not valid. Use a name or number without blanks/],
    [['call', 'a@127.0.0.1', '--user', ''], /--user “” is not valid/],
    [['call', 'a@127.0.0.1', '--play', '.'], /--play \. is a folder. Use the name of a file/],
    [['sip:a@127.0.0.1'], /write ringflow call sip:a@127.0.0.1/],
    [['1002', '-s', 'pbx.local'], /write ringflow call 1002/],
  ] as const) {
    it(`ends with 2 and a text that helps: ringflow ${args.join(' ')}`, async () => {
      const { code, err } = await run(...args)
      assert.match(err, message)
      assert.equal(code, 2, err)
    })
  }

  it('ends with a summary for programs, whatever went wrong', async () => {
    for (const args of [
      ['cal', '--json'],
      ['call', '--json'],
      ['call', 'a@127.0.0.1', '--bogus', '--json'],
      ['call', '112', '-s', '127.0.0.1:9', '--json'],
      ['call', 'a@127.0.0.1', '--public-address', 'a b', '--json'],
      ['register', '--json'],
      ['answer', '--json'],
    ]) {
      const { out, err, code } = await run(...args)
      const last = JSON.parse(out.split('\n').at(-1) ?? '') as Record<string, unknown>
      assert.deepEqual([last.type, last.ok], ['summary', false])
      assert.ok(err.startsWith(String(last.problem)) && code > 0, `${err} ${last.problem}`)
    }
  })

  it('names --allow-emergency where 112 is blocked, and exits with 1', async () => {
    const { code, err } = await run('call', '112', '-s', '127.0.0.1:9')
    assert.match(err, /112 is an emergency number.*\n.*--allow-emergency/)
    assert.equal(code, 1)
  })

  it('is the seed caller’s: short forms, other names, no command', () => {
    const seed = ['-s', 'pbx.local', '-u', '1001', '-p', 'secret', '-t', '1002', '-d', '30', '-v', '-l', 'warn']
    const given = options(seed)
    assert.deepEqual(
      ['server', 'user', 'target', 'duration', 'log-level'].map((name) => given.text(name)),
      ['pbx.local', '1001', '1002', '30', 'warn'],
    )
    assert.deepEqual([given.password(), given.flag('verbose')], ['secret', true])
    const long = options(['--username', '1001', '--target', '1002', '--user-agent', 'Seed/1', '--local-port', '5071'])
    assert.deepEqual([long.text('user'), long.text('target')], ['1001', '1002'])
    const account = accountFrom(long, '1', { register: false, targetHost: 'pbx.local' })
    assert.deepEqual([account.transport.userAgent, account.transport.ports], ['Seed/1', { udp: 5071 }])
  })

  it('takes ports for sound from --rtp-start-port on, as many as calls need', () => {
    const ports = (...args: string[]) => {
      const { rtpPortMin, rtpPortMax } = accountFrom(options(args), '1', { register: false }).transport
      return [rtpPortMin, rtpPortMax]
    }
    assert.deepEqual(ports('--rtp-start-port', '20000'), [20_000, 20_199])
    assert.deepEqual(ports('--rtp-start-port', '20000', '--max-calls', '500'), [20_000, 20_999])
    assert.deepEqual(ports('--rtp-start-port', '65500'), [65_500, 65_535])
  })

  it('shows the version for -v alone, and takes it as verbose beside other options', async () => {
    for (const version of ['-v', '-V', '--version']) assert.match((await run(version)).out, /^\d+\.\d+\.\d+$/)
    const { code, err } = await run('-v', '-s', 'pbx.local')
    assert.equal(code, 2)
    assert.match(err, /ringflow call: the target is missing/)
  })

  it('knows the seed caller’s environment, after RINGFLOW_… and after flags', () => {
    const env = { SIP_SERVER: 'sip-pbx', SIP_USER: 'sip-user', SIP_PASSWORD: 'sip-secret', SIP_TARGET: 'sip-target' }
    const all = (given: ReturnType<typeof options>) => [
      ...['server', 'user', 'target'].map((name) => given.text(name)),
      given.password(),
    ]
    assert.deepEqual(all(options([], env)), ['sip-pbx', 'sip-user', 'sip-target', 'sip-secret'])
    const ours = Object.fromEntries(
      Object.entries(env).map(([name]) => [name.replace('SIP_', 'RINGFLOW_'), `our-${name}`]),
    )
    assert.deepEqual(all(options([], { ...env, ...ours })), [
      'our-SIP_SERVER',
      'our-SIP_USER',
      'our-SIP_TARGET',
      'our-SIP_PASSWORD',
    ])
    const flags = ['-s', 'flag-pbx', '--username', 'flag-user', '-t', 'flag-target', '-p', 'flag-secret']
    assert.deepEqual(all(options(flags, { ...env, ...ours })), ['flag-pbx', 'flag-user', 'flag-target', 'flag-secret'])
    assert.equal(options([], { ...env, RINGFLOW_SERVER: '' }).text('server'), 'sip-pbx')
  })

  it('takes each option from the environment, a flag first', () => {
    const env = { RINGFLOW_SERVER: 'pbx.local', RINGFLOW_AUTH_USER: 'auth', RINGFLOW_JSON: '1', RINGFLOW_ONCE: '0' }
    const given = options(['--server', 'other'], env)
    assert.deepEqual([given.text('server'), given.text('auth-user')], ['other', 'auth'])
    assert.deepEqual([given.flag('json'), given.flag('once')], [true, false])
  })

  it('takes the password from flag, environment or file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringflow-cli-'))
    const file = join(folder, 'password')
    writeFileSync(file, 'from file\n')
    assert.equal(options([]).password(), '')
    assert.equal(options([], { RINGFLOW_PASSWORD: 'from env' }).password(), 'from env')
    assert.equal(options(['--password-file', file]).password(), 'from file')
    assert.equal(options(['--password', 'x'], { RINGFLOW_PASSWORD: 'from env' }).password(), 'x')
    for (const name of ['RINGFLOW_PASSWORD', 'SIP_PASSWORD']) {
      assert.equal(options(['--password-file', file], { [name]: 'from env' }).password(), 'from file')
    }
    rmSync(folder, { recursive: true })
  })

  it('makes an account of what was typed', () => {
    const typed = [
      '--server',
      'pbx.local:5062',
      '--user',
      '1001',
      '--outbound-proxy',
      'edge.local',
      '--listen',
      'udp://127.0.0.1:5070',
    ]
    const account = accountFrom(options(typed), '1.2.3', { register: true })
    assert.equal(account.aor, '1001@pbx.local:5062')
    assert.equal(account.registrar, 'pbx.local:5062')
    assert.deepEqual(routeOf(account), ['<sip:edge.local;lr>'])
    const chain = accountFrom(options(['--outbound-proxy', 'a.local, sip:b.local:5070;strict']), '1', {
      register: false,
    })
    assert.deepEqual(routeOf(chain), ['<sip:a.local;lr>', '<sip:b.local:5070>'])
    const marked = accountFrom(options(['--outbound-proxy', 'edge.local:5060;lr']), '1', { register: false })
    assert.deepEqual(routeOf(marked), ['<sip:edge.local:5060;lr>'])
    assert.deepEqual([account.transport.bindAddress, account.transport.ports], ['127.0.0.1', { udp: 5070 }])
    assert.equal(account.transport.userAgent, 'ringflow/1.2.3')
    const domain = accountFrom(options(['--server', '127.0.0.1:5060', '--user', 'a@pbx.test']), '1', { register: true })
    assert.deepEqual([domain.aor, domain.registrar, routeOf(domain)], ['a@pbx.test', '127.0.0.1:5060', []])
    const direct = accountFrom(options(['--from', '192.0.2.0/24, 198.51.100.1']), '1', {
      register: false,
      targetHost: '192.0.2.1',
    })
    assert.equal(direct.aor, 'ringflow@192.0.2.1')
    assert.deepEqual([direct.inboundFrom, direct.allowedSources], ['known', ['192.0.2.0/24', '198.51.100.1']])
    assert.equal(accountFrom(options(['--from', 'anyone']), '1', { register: false }).inboundFrom, 'anyone')
    assert.deepEqual([direct.allowEmergency, domain.allowEmergency], [false, false])
    assert.equal(accountFrom(options(['--allow-emergency']), '1', { register: false }).allowEmergency, true)
  })

  it('describes the call that was typed: caller, headers, keys', () => {
    const typed = (...args: string[]) => options(args)
    const given = typed(
      '--caller-id',
      '4711',
      '--hide-caller-id',
      '--auto-answer',
      '--header',
      'X-A: 1, 2',
      '--header',
      'X-B:',
    )
    assert.deepEqual(callOptionsFrom(given), {
      callerId: '4711',
      hideCallerId: true,
      autoAnswer: true,
      headers: { 'X-A': '1, 2', 'X-B': '' },
    })
    assert.deepEqual(callOptionsFrom(typed()), {})
    const settings = callSettingsFrom(typed('--dtmf-mode', 'info', '--caller-id-by', 'pai'))
    assert.deepEqual(settings, { callerIdBy: 'pai', dtmfMode: 'info' })
    assert.deepEqual(callSettingsFrom(typed()), {})
    assert.throws(() => callOptionsFrom(typed('--header', 'nonsense')), /--header "nonsense" is not valid/)
    assert.throws(() => callSettingsFrom(typed('--dtmf-mode', 'x')), /--dtmf-mode x is not valid/)
  })

  it('understands addresses to listen on', () => {
    const at = (host: string, ports: TransportConfig['ports'], port?: number) => ({ host, ports, port })
    assert.deepEqual(parseListen(undefined), at('', {}))
    assert.deepEqual(parseListen('udp://127.0.0.1:0'), at('127.0.0.1', { udp: 0 }))
    assert.deepEqual(parseListen('192.0.2.1'), at('192.0.2.1', {}, 0))
    assert.deepEqual(parseListen(':5060'), at('', {}, 5060))
    assert.deepEqual(parseListen('tcp://[::1]:5060'), at('::1', { tcp: 5060 }))
    assert.deepEqual(parseListen('UDP+TCP://[::1]'), at('::1', { udp: 0, tcp: 0 }))
    assert.deepEqual(
      parseListen('tls://127.0.0.1:5061,ws://127.0.0.1:8080,wss://127.0.0.1:8443'),
      at('127.0.0.1', { tls: 5061, ws: 8080, wss: 8443 }),
    )
    assert.throws(() => parseListen('udp://127.0.0.1:1,tls://127.0.0.2:2'), /two addresses. Use one address/)
    assert.throws(() => parseListen('udp://:1,udp://:2'), /udp:\/\/ is given twice/)
    for (const text of ['', 'udp://', 'udp://host:5060', '127.0.0.1:x', '[::1', '::1', '[1.2.3.4]:1', 'tcp://[]:5']) {
      assert.throws(() => parseListen(text), UsageError)
    }
  })

  it('chooses protocol and IP version', () => {
    const from = (args: string[], target?: string) => {
      const account = accountFrom(options(args), '1', { register: false, ...(target ? { target } : {}) })
      return [account.protocol, Object.keys(account.transport.ports).join('+'), account.transport.ipVersion]
    }
    assert.deepEqual(from([]), ['auto', 'udp', 'prefer-4'])
    assert.deepEqual(from(['--protocol', 'tcp', '--ipv6']), ['tcp', 'tcp', 'prefer-6'])
    assert.equal(from(['--ipv6-only'])[2], '6')
    assert.deepEqual(from(['--listen', 'udp+tcp://127.0.0.1:0', '--protocol', 'tcp']), ['tcp', 'udp+tcp', 'prefer-4'])
    assert.deepEqual(from(['--listen', 'udp://127.0.0.1:5070', '--listen', 'tcp://127.0.0.1:5070'])[1], 'udp+tcp')
    assert.deepEqual(from(['--server', 'pbx.example.com;transport=tcp']), ['auto', 'tcp', 'prefer-4'])
    assert.deepEqual(from([], 'sip:a@192.0.2.1;transport=TCP'), ['auto', 'tcp', 'prefer-4'])
    for (const protocol of ['tls', 'ws', 'wss']) {
      assert.deepEqual(from(['--protocol', protocol]), [protocol, '', 'prefer-4'], 'reached by its connection')
    }
    assert.deepEqual(from(['--protocol', 'ws', '--local-port', '8080'])[1], 'ws')
    assert.deepEqual(from([], 'sip:a@192.0.2.1;transport=wss')[0], 'auto')
  })

  it('reads the options for TLS and WebSockets', () => {
    const [cert, key] = ['cert.pem', 'key.pem'].map((name) => {
      const file = join(mkdtempSync(join(tmpdir(), 'ringflow-tls-')), name)
      writeFileSync(file, '')
      return file
    }) as [string, string]
    const transport = (...args: string[]) => accountFrom(options(args), '1', { register: false }).transport
    assert.deepEqual([transport().tls, transport().ws], [undefined, undefined])
    const listening = transport('--listen', 'tls://:5061', '--tls-cert', cert, '--tls-key', relative('', key))
    assert.deepEqual(listening.tls, { pair: { certificate: { file: cert }, key: { file: key } } })
    assert.deepEqual(transport('--tls-ca', cert).tls, { ca: { file: cert } })
    assert.deepEqual(transport('--tls-insecure').tls, { verify: 'off' })
    assert.deepEqual([transport().keepAliveMs, transport('--keep-alive', '15').keepAliveMs], [undefined, 15_000])
    assert.deepEqual(
      transport('--ws-origin', 'https://a.test', '--ws-origin', 'https://b.test', '--ws-path', '/sip').ws,
      { origins: ['https://a.test', 'https://b.test'], path: '/sip' },
    )
    for (const [args, problem] of [
      [['--listen', 'tls://:5061'], /a TLS port needs a certificate. Add --tls-cert <file> and --tls-key <file>/],
      [['--listen', 'wss://:8443'], /a WSS port needs a certificate/],
      [['--tls-cert', cert], /its key is missing. Add --tls-key/],
      [['--tls-key', key], /its certificate is missing. Add --tls-cert/],
      [['--tls-ca', '/nowhere.pem'], /--tls-ca \/nowhere.pem: the file cannot be read. Check its name/],
    ] as const) {
      assert.throws(() => transport(...args), problem)
    }
  })

  it('warns of --tls-insecure', async () => {
    const { err } = await run('call', 'sip:a@127.0.0.1:1', '--protocol', 'tls', '--tls-insecure')
    assert.match(err, /^warning: --tls-insecure: certificates are not checked/)
  })

  it('plans sound: the folders of named files are the roots, a tone has no end', () => {
    const wav = repoPath('examples', 'media', 'message.wav')
    const file = soundFrom(options(['--play', relative('', wav), '--record', 'out/b.wav']), undefined)
    assert.deepEqual(rootsOf(file), { mediaRoots: [dirname(wav)], recordRoot: resolve('out') })
    assert.equal(endsBySound(file), true)
    const tone = soundFrom(options(['--tone', '350+440', '--duration', '1.5']), undefined)
    assert.deepEqual(tone.play, { kind: 'tone', hz: [350, 440], durationMs: 10_000 })
    assert.deepEqual([endsBySound(tone), tone.durationMs], [false, 1_500])
    assert.equal(endsBySound(soundFrom(options([]), '1')), true)
  })

  it('plans a hold: from, or from and to, with music', () => {
    const wav = repoPath('examples', 'media', 'message.wav')
    const planned = (...args: string[]) => soundFrom(options(args), undefined)
    assert.deepEqual(planned('--hold', '3-8').hold, { fromMs: 3000, toMs: 8000, music: undefined })
    assert.deepEqual(planned('--hold', '1.5').hold, { fromMs: 1500, toMs: undefined, music: undefined })
    const musical = planned('--hold', '0-1', '--hold-music', wav)
    assert.deepEqual(musical.hold?.music, { kind: 'file', file: wav })
    assert.deepEqual(rootsOf(musical).mediaRoots, [dirname(wav)])
    for (const wrong of ['', '8-3', '3-', 'soon', '-1']) {
      assert.throws(() => planned(`--hold=${wrong}`), /Use seconds after the answer, from-to, like 3-8/)
    }
    assert.throws(() => planned('--hold-music', wav), /needs --hold/)
    assert.throws(
      () => planned('--hold', '1', '--hold-music', 'none.wav'),
      /--hold-music none\.wav: the file does not exist/,
    )
  })

  const ended = (end: Partial<CallEnd>, facts: { answered?: boolean; rang?: boolean; inbound?: boolean } = {}) =>
    ({
      call: {
        answeredAt: facts.answered ? '2026-01-01T00:00:00.000Z' : null,
        direction: facts.inbound ? 'inbound' : 'outbound',
        to: { uri: 'sip:test@127.0.0.1:5099' },
      },
      cdr: { ringingAt: facts.rang ? '2026-01-01T00:00:00.000Z' : null },
      end: { by: 'local', cause: 'normal', sipCode: null, reason: '', ...end },
      stats: null,
    }) as unknown as Parameters<typeof outcomeOf>[0]

  it('takes a call that could not be ended, or not be carried out as planned, for a failure', () => {
    assert.deepEqual(outcomeOf(ended({}, { answered: true })), { ok: true, problem: '', advice: '' })
    const end = { by: 'error', cause: 'failed', sipCode: 503, reason: 'the BYE could not be sent: no route' } as const
    const unsent = outcomeOf(ended(end, { answered: true }))
    assert.deepEqual([unsent.ok, unsent.problem], [false, 'call failed: the BYE could not be sent: no route'])
    assert.equal(outcomeOf(ended({})).ok, false)
    const failure = new TelephonyError('BAD_AUDIO', 'not a WAV file')
    assert.deepEqual(outcomeOf(ended({}, { answered: true }), failure).problem, 'not a WAV file (BAD_AUDIO)')
  })

  const timeout: Partial<CallEnd> = { cause: 'no-answer', reason: 'ring timeout', sipCode: 487 }
  const unresolved: Partial<CallEnd> = {
    by: 'error',
    cause: 'failed',
    sipCode: 503,
    reason: 'the name pbx.local cannot be resolved',
  }
  for (const [title, one, problem, advice] of [
    [
      'a busy peer',
      ended({ by: 'remote', cause: 'busy', sipCode: 486, reason: 'Busy Here' }),
      'busy, 486 Busy Here',
      /busy/,
    ],
    [
      'a status without a cause of its own',
      ended({ by: 'remote', cause: 'failed', sipCode: 404, reason: 'Not Found' }),
      '404 Not Found',
      /does not know/,
    ],
    [
      'an overloaded server',
      ended({ by: 'remote', cause: 'failed', sipCode: 503, reason: 'Busy' }),
      '503 Busy',
      /overloaded/,
    ],
    [
      'a name without an address',
      ended(unresolved),
      'the name pbx.local cannot be resolved',
      /^Check host and port, and the network of this machine.$/,
    ],
    [
      'a silent peer',
      ended({ ...timeout, sipCode: null }),
      'no response, sip:test@127.0.0.1:5099 did not even report ringing',
      /firewall/,
    ],
    [
      'a silent peer after Timer B',
      ended({ ...timeout, by: 'error', sipCode: 408 }),
      'no response, sip:test@127.0.0.1:5099 did not even report ringing',
      /firewall/,
    ],
    [
      'a peer that rang until the end of --ring-timeout',
      ended(timeout, { rang: true }),
      'no-answer, ring timeout',
      /ring-timeout/,
    ],
    [
      'an unregistered telephone',
      ended({ by: 'remote', cause: 'no-answer', sipCode: 480, reason: 'Gone' }),
      'no-answer, 480 Gone',
      /registered/,
    ],
    ['Ctrl-C', ended({ cause: 'cancelled', sipCode: 487, reason: 'hung up' }), 'cancelled', /^$/],
    [
      'a caller who gave up',
      ended({ by: 'remote', cause: 'cancelled', sipCode: 487, reason: 'cancelled' }, { inbound: true }),
      'cancelled by the caller',
      /^$/,
    ],
  ] as const) {
    it(`says once why the call failed, with a code only if the peer sent it: ${title}`, () => {
      const outcome = outcomeOf(one)
      assert.equal(outcome.problem, `call failed: ${problem}`)
      assert.match(outcome.advice, advice)
    })
  }

  it('says what to do about a failure', () => {
    const advice = (cause: string, status: number | null) => adviceFor({ cause, status, reached: true, unsent: false })
    assert.match(advice('rejected', 401), /password/)
    assert.match(advice('media-timeout', 200), /RTP/)
    assert.match(advice('completed-elsewhere', 487), /Another telephone/)
    for (const status of [406, 420, 421]) assert.match(advice('failed', status), /--trace/)
    assert.match(adviceForStatus(407), /password/)
    assert.match(adviceForError('TARGET_BLOCKED'), /--allow-emergency/)
    assert.equal(advice('normal', null), '')
  })

  it('names the silent server, shows no status that no server sent, and says that a password is missing', () => {
    const account = { proxy: null, registrar: 'pbx.local:5062', password: '' }
    const silent = registrationFailure({ status: 408, reason: 'Request Timeout', local: true }, account)
    assert.equal(silent.problem, 'registration failed: no response from pbx.local:5062')
    const proxy = { id: 'p', name: 'p', hops: ['edge.local;strict'] }
    assert.match(
      registrationFailure({ status: 408, reason: '', local: true }, { ...account, proxy }).problem,
      /no response from edge.local$/,
    )
    const unresolved = registrationFailure({ status: 503, reason: 'the name cannot be resolved', local: true }, account)
    assert.equal(unresolved.problem, 'registration failed: the name cannot be resolved')
    assert.doesNotMatch(unresolved.advice, /overloaded/)
    const refused = { status: 401, reason: 'Unauthorized' }
    assert.match(
      registrationFailure(refused, account).advice,
      /No password was given.*RINGFLOW_PASSWORD.*--password-file/,
    )
    assert.match(registrationFailure(refused, { ...account, password: 'x' }).advice, /^Check --user/)
    assert.equal(registrationFailure({ status: 408, reason: 'Late' }, account).problem, 'registration failed: 408 Late')
  })

  it('says after some seconds that it still waits, and nothing after an answer', async () => {
    const clock = new FakeClock()
    const lines: string[] = []
    const report = new Report({ out: (line) => lines.push(line), err: (line) => lines.push(line) }, false)
    const answer = deferred<string>()
    const told = tellWaiting(answer.promise, 'pbx.local', { report, clock })
    clock.advance(STILL_WAITING_MS)
    assert.deepEqual(lines, ['still waiting for an answer from pbx.local'])
    answer.resolve('here')
    assert.equal(await told, 'here')
    await tellWaiting(Promise.resolve(), 'pbx.local', { report, clock })
    assert.equal(clock.pending, 0)
  })
})
