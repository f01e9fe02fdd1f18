import type { CommandSpec, OptionTable } from './options.js'

const IDENTITY: OptionTable = {
  server: { type: 'string', value: 'host[:port]', help: 'SIP server: PBX, router or provider' },
  user: { type: 'string', value: 'name', help: 'your extension or number there; or name@domain' },
  'auth-user': { type: 'string', value: 'name', help: 'user name for the password where it differs from --user' },
  password: {
    type: 'string',
    value: 'text',
    help: 'better by RINGFLOW_PASSWORD or --password-file:\na command line can be read by every user of the machine',
  },
  'password-file': { type: 'string', value: 'path', help: 'file that holds the password' },
  realm: { type: 'string', value: 'text', help: 'prove the password to this realm only. Default: to the server’s own' },
  'display-name': { type: 'string', value: 'text', help: 'name that the other side is shown' },
  'outbound-proxy': {
    type: 'string',
    value: 'host[:port]',
    help: 'everything goes through this proxy first; several in their order,\nseparated by commas; sip:host without ;lr is a strict router',
  },
}

const NETWORK: OptionTable = {
  listen: {
    type: 'string',
    multiple: true,
    value: 'udp://ip:port',
    help: 'own address; udp:// and tcp:// together at one port, IPv6 as [::1].\nDefault: the address that reaches the server, any free port',
  },
  protocol: { type: 'string', value: 'udp|tcp', help: 'where no address says ;transport=. Default: udp' },
  ipv6: { type: 'boolean', help: 'by IPv6 only. Default: whichever reaches the server' },
  'public-address': { type: 'string', value: 'host[:port]', help: 'what peers shall use to reach us, behind NAT' },
  'rtp-ports': { type: 'string', value: 'min-max', help: 'port range for sound. Default: 16384-32766' },
  codecs: { type: 'string', value: 'list', help: 'PCMA,PCMU in order of preference' },
}

const SOUND: OptionTable = {
  play: { type: 'string', value: 'file.wav', help: 'play a WAV file' },
  tone: { type: 'string', value: 'hz', help: 'play a tone: 440, or 350+440' },
  echo: { type: 'boolean', help: 'send back what is heard' },
  record: { type: 'string', value: 'out.wav', help: 'record what is heard (8 kHz mono)' },
  duration: { type: 'string', value: 'seconds', help: 'hang up that long after the answer' },
}

const OUTPUT: OptionTable = {
  json: { type: 'boolean', help: 'one JSON object per line on stdout, the last one is a summary' },
  trace: { type: 'boolean', help: 'show each SIP message on stderr (passwords masked)' },
  verbose: { type: 'boolean', help: 'show the engine’s log on stderr' },
  help: { type: 'boolean', help: 'this text' },
}

export const call: CommandSpec = {
  summary: 'Place a call',
  usage: 'ringflow call <target> [options]',
  about: `
<target> is a number (1002, +49 30 1234), name@host, or a sip: or tel: address.
Numbers and plain names need --server. The call ends when --duration is over, when what was to be played
or pressed is through, when the other side hangs up, or with Ctrl-C.`,
  options: {
    ...IDENTITY,
    register: { type: 'boolean', help: 'register first: some providers take calls only then' },
    'allow-emergency': {
      type: 'boolean',
      help: 'let 112, 911, 999, 110 and the like through: they are blocked otherwise',
    },
    ...SOUND,
    digits: { type: 'string', value: 'keys', help: 'press these keys once answered: 0-9 * #, a comma waits 0.5 s' },
    'ring-timeout': { type: 'string', value: 'seconds', help: 'give up when nobody answers for so long. Default: 30' },
    ...NETWORK,
    ...OUTPUT,
  },
  examples: `
  ringflow call sip:test@127.0.0.1:5070 --tone 440 --duration 5
  RINGFLOW_PASSWORD=… ringflow call 1002 --server pbx.local --user 1001 --play hello.wav
  ringflow call +49301234 --server sip.provider.example --user 4930999 --password-file ~/.sip --digits 12 --json`,
}

export const answer: CommandSpec = {
  summary: 'Wait for calls and answer them',
  usage: 'ringflow answer [options]',
  about: `
With --server it registers there and is called through it; without, it can be called directly at --listen.
Calls are taken from the server and its proxies only; --from says who else may call.
It runs until Ctrl-C, or for one call with --once.`,
  options: {
    ...IDENTITY,
    from: {
      type: 'string',
      value: 'who',
      help: 'anyone, or addresses and blocks: 192.0.2.7,198.51.100.0/24.\nDefault: the server; on 127.0.0.1 without one: anyone',
    },
    ...SOUND,
    press: { type: 'string', value: 'keys', help: 'press these keys after answering; a comma waits 0.5 s' },
    'max-calls': { type: 'string', value: 'n', help: 'calls at once; more hear busy. Default: 10' },
    once: { type: 'boolean', help: 'end after the first call' },
    ...NETWORK,
    ...OUTPUT,
  },
  examples: `
  ringflow answer --listen udp://127.0.0.1:5070 --echo
  ringflow answer --listen udp://127.0.0.1:5070 --tone 440 --press 1 --duration 10 --once --json
  RINGFLOW_PASSWORD=… ringflow answer --server pbx.local --user 1001 --record calls.wav`,
}

export const register: CommandSpec = {
  summary: 'Register at a server and stay registered',
  usage: 'ringflow register --server <host> --user <name> [options]',
  about: `
Shows whether server, user and password are right. It refreshes until Ctrl-C, then un-registers;
with --once it registers, un-registers and ends.`,
  options: {
    ...IDENTITY,
    expires: { type: 'string', value: 'seconds', help: 'ask for so long. Default: 600' },
    once: { type: 'boolean', help: 'register, un-register, end' },
    listen: NETWORK.listen as OptionTable[string],
    protocol: NETWORK.protocol as OptionTable[string],
    ipv6: NETWORK.ipv6 as OptionTable[string],
    'public-address': NETWORK['public-address'] as OptionTable[string],
    ...OUTPUT,
  },
  examples: `
  RINGFLOW_PASSWORD=… ringflow register --server pbx.local --user 1001 --once`,
}
