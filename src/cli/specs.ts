import type { CommandSpec, OptionTable } from './options.js'

const IDENTITY: OptionTable = {
  server: {
    type: 'string',
    short: 's',
    env: 'SIP_SERVER',
    value: 'host[:port]',
    help: 'SIP server: PBX, router or provider',
  },
  user: {
    type: 'string',
    short: 'u',
    aliases: ['username'],
    env: 'SIP_USER',
    value: 'name',
    help: 'your extension or number there; or name@domain. Also --username',
  },
  'auth-user': { type: 'string', value: 'name', help: 'user name for the password where it differs from --user' },
  password: {
    type: 'string',
    short: 'p',
    env: 'SIP_PASSWORD',
    value: 'text',
    help: 'better in RINGFLOW_PASSWORD or in --password-file:\nevery user of the machine can read a command line',
  },
  'password-file': { type: 'string', value: 'path', help: 'file that holds the password' },
  realm: {
    type: 'string',
    value: 'text',
    help: 'send credentials to this realm only. Default: the server’s own realm',
  },
  'display-name': { type: 'string', value: 'text', help: 'name that the other side sees' },
  'outbound-proxy': {
    type: 'string',
    value: 'host[:port]',
    help: 'send all requests through this proxy; several proxies in their order,\nseparated by commas. Write host;strict for a strict router (RFC 2543)',
  },
}

const NETWORK: OptionTable = {
  listen: {
    type: 'string',
    multiple: true,
    value: 'udp://ip:port',
    help: 'local address and port; udp://, tcp://, tls://, ws:// or wss://, several with\na port each; IPv6 as [::1]. Default: the address that reaches the server',
  },
  'local-port': {
    type: 'string',
    value: 'port',
    help: 'local SIP port, where --listen gives none. Default: any free port',
  },
  protocol: {
    type: 'string',
    value: 'udp|tcp|tls|ws|wss',
    help: 'used where no address says ;transport=. Default: udp',
  },
  ipv6: { type: 'boolean', help: 'prefer IPv6, fall back to IPv4. Default: prefer IPv4, fall back to IPv6' },
  'ipv6-only': { type: 'boolean', help: 'use IPv6 only' },
  'public-address': {
    type: 'string',
    value: 'host[:port]',
    help: 'address that peers use to reach this machine, behind NAT',
  },
  'stun-server': {
    type: 'string',
    value: 'host[:port]',
    help: 'STUN server that shows the public address, where --public-address gives none',
  },
  'media-address': {
    type: 'string',
    value: 'host',
    help: 'address for sound, where it is another one than for SIP.\nDefault: --public-address',
  },
  'keep-alive': {
    type: 'string',
    value: 'seconds',
    help: 'time between keep-alives through a router; 0 for none. Default: 25 by UDP',
  },
  dns: {
    type: 'string',
    multiple: true,
    value: 'ip[:port]',
    help: 'DNS server; several servers in their order. Default: those of the system',
  },
  'user-agent': { type: 'string', value: 'text', help: 'name in the User-Agent header. Default: ringflow/<version>' },
}

const ENCRYPTION: OptionTable = {
  'tls-cert': {
    type: 'string',
    value: 'file.pem',
    help: 'certificate of this machine, for tls:// and wss:// in --listen and for\nservers that ask for one',
  },
  'tls-key': { type: 'string', value: 'file.pem', help: 'private key of --tls-cert' },
  'tls-passphrase': { type: 'string', value: 'text', help: 'of the key; better in RINGFLOW_TLS_PASSPHRASE' },
  'tls-ca': {
    type: 'string',
    value: 'file.pem',
    help: 'certificate authorities to trust, in place of the public ones',
  },
  'tls-insecure': { type: 'boolean', help: 'accept every certificate of a server: anyone on the way can listen' },
  'ws-origin': {
    type: 'string',
    multiple: true,
    value: 'https://host',
    help: 'web pages that may connect to ws:// and wss://; * for all.\nDefault: pages of the same host',
  },
  'ws-path': { type: 'string', value: 'path', help: 'path of the server’s WebSocket. Default: /' },
}

const MEDIA: OptionTable = {
  'rtp-ports': { type: 'string', value: 'min-max', help: 'port range for sound (RTP). Default: 16384-32766' },
  'rtp-start-port': {
    type: 'string',
    value: 'port',
    help: 'first port for sound: 200 ports from there, or two for each of --max-calls',
  },
  'audio-from': {
    type: 'string',
    value: 'sdp|any',
    help: 'hear sound from the address that the other side names in SDP, or from any\naddress (in a network that you trust). Default: sdp',
  },
  codecs: { type: 'string', value: 'list', help: 'PCMA,PCMU in order of preference' },
}

const SOUND: OptionTable = {
  play: { type: 'string', value: 'file.wav', help: 'play a WAV file' },
  tone: { type: 'string', value: 'hz', help: 'play a tone: 440, or 350+440' },
  echo: { type: 'boolean', aliases: ['echo-mode'], help: 'send back what is heard' },
  record: { type: 'string', value: 'out.wav', help: 'record what is heard (8 kHz mono)' },
  hold: { type: 'string', value: 'from-to', help: 'hold the call between these seconds after the answer: 3-8' },
  'hold-music': {
    type: 'string',
    value: 'file.wav',
    help: 'what the other side hears during --hold. Default: silence',
  },
  'transfer-to': {
    type: 'string',
    value: 'target',
    help: 'then transfer the other side to this number or address,\nafter --play and --digits',
  },
  duration: { type: 'string', short: 'd', value: 'seconds', help: 'hang up this long after the answer' },
}

export const OUTPUT: OptionTable = {
  json: { type: 'boolean', help: 'print one JSON object per line on stdout; the last one is a summary' },
  trace: { type: 'boolean', help: 'show each SIP message on stderr (passwords masked)' },
  'trace-file': {
    type: 'string',
    value: 'path',
    help: 'write SIP to this file at the end: .txt a ladder, .mmd Mermaid,\n.pcap a capture with the sound (RTP) for Wireshark',
  },
  verbose: { type: 'boolean', short: 'v', help: 'show the engine’s log on stderr, as --log-level debug does' },
  'log-level': {
    type: 'string',
    short: 'l',
    value: 'level',
    help: 'show the engine’s log from this level on: trace, debug, info, warn, error',
  },
  help: { type: 'boolean', short: 'h', help: 'this text' },
}

export const call: CommandSpec = {
  summary: 'Place a call',
  usage: 'ringflow [call] <target>… [options]',
  about: `
<target> is a number (1002, +49 30 1234), name@host, or a sip:, sips: or tel: address; --target gives it as an option.
Numbers and plain names need --server. Of several targets the first that answers gets the call. It ends when --duration is over, when --play and --digits are
done, when the other side hangs up, or with Ctrl-C. Without “call” the line begins with an option.`,
  options: {
    target: {
      type: 'string',
      short: 't',
      env: 'SIP_TARGET',
      value: 'target',
      help: 'number or address to call, in place of <target>',
    },
    ...IDENTITY,
    register: { type: 'boolean', help: 'register first: some providers accept calls only from registered users' },
    'allow-emergency': {
      type: 'boolean',
      help: 'allow calls to 112, 911, 999, 110 and other emergency numbers.\nDefault: they are blocked',
    },
    ...SOUND,
    digits: {
      type: 'string',
      value: 'keys',
      help: 'press these keys after the answer: 0-9 * # A-D; a comma waits 0.5 s',
    },
    'caller-id': { type: 'string', value: 'number', help: 'number or address to show in place of your own' },
    'caller-id-by': {
      type: 'string',
      value: 'from|pai|ppi',
      help: 'header of --caller-id: From, P-Asserted-Identity or P-Preferred-Identity.\nDefault: from',
    },
    'hide-caller-id': { type: 'boolean', help: 'call anonymously; the server still learns who calls' },
    'auto-answer': { type: 'boolean', help: 'ask the telephone to answer by itself (intercom)' },
    header: {
      type: 'string',
      multiple: true,
      separator: '\n',
      value: 'name: text',
      help: 'add a header to the INVITE; may be given several times',
    },
    'dtmf-mode': {
      type: 'string',
      value: 'auto|rfc4733|info',
      help: 'how --digits are sent. Default: auto, RTP events or else INFO',
    },
    strategy: {
      type: 'string',
      value: 'all|in-order',
      help: 'ring several targets all at once, or one after the other. Default: all',
    },
    'ring-each': { type: 'string', value: 'seconds', help: 'ring each target for this time at most' },
    'confirm-key': {
      type: 'string',
      value: 'key',
      help: 'a target gets the call only when it presses this key within 10 s: a\nmailbox does not press it',
    },
    'reliable-provisional': {
      type: 'string',
      value: 'off|supported|required',
      help: 'acknowledge provisional responses (PRACK, RFC 3262). Default: supported',
    },
    'session-expires': {
      type: 'string',
      value: 'seconds',
      help: 'session timer to ask for, 90 to 86400; 0 for none. Default: 1800',
    },
    'delayed-offer': { type: 'boolean', help: 'call without an offer: the other side makes it' },
    'ring-timeout': {
      type: 'string',
      value: 'seconds',
      help: 'give up when the call is not answered by then. Default: 30',
    },
    ...NETWORK,
    ...ENCRYPTION,
    ...MEDIA,
    ...OUTPUT,
  },
  examples: `
  ringflow call sip:test@127.0.0.1:5070 --tone 440 --duration 5
  ringflow call sip:test@pbx.local:5061 --protocol tls --tls-ca ca.pem
  RINGFLOW_PASSWORD=… ringflow call 1002 --server pbx.local --user 1001 --play hello.wav
  RINGFLOW_PASSWORD=… ringflow -s pbx.local -u 1001 -t 1002 -d 30
  ringflow call 1001 1002 --server pbx.local --strategy in-order --ring-each 15 --confirm-key 1
  ringflow call 1002 --server pbx.local --tone 440 --hold 3-8 --hold-music wait.wav --duration 12
  ringflow call +49301234 --server sip.provider.example --user 4930999 --password-file ~/.sip --digits 12 --json`,
}

export const answer: CommandSpec = {
  summary: 'Wait for calls and answer them',
  usage: 'ringflow answer [options]',
  about: `
With --server it registers there and takes calls from that server. Without, it takes direct calls at --listen.
It takes calls from the server and its proxies only; --from names other callers.
It runs until Ctrl-C, or for one call with --once.`,
  options: {
    ...IDENTITY,
    from: {
      type: 'string',
      value: 'who',
      help: 'anyone, or addresses and blocks: 192.0.2.7,198.51.100.0/24.\nDefault: the server; on 127.0.0.1 without a server: anyone',
    },
    ...SOUND,
    press: { type: 'string', value: 'keys', help: 'press these keys after the answer; a comma waits 0.5 s' },
    'ring-time': {
      type: 'string',
      value: 'seconds',
      help: 'ring for this time before the answer, at most 180. Default: answer at once',
    },
    'max-calls': { type: 'string', value: 'n', help: 'simultaneous calls; further callers get busy. Default: 10' },
    once: { type: 'boolean', help: 'end after the first call' },
    ...NETWORK,
    ...ENCRYPTION,
    ...MEDIA,
    ...OUTPUT,
  },
  examples: `
  ringflow answer --listen udp://127.0.0.1:5070 --echo
  ringflow answer --listen tls://192.0.2.1:5061 --tls-cert cert.pem --tls-key key.pem --from anyone
  ringflow answer --listen udp://127.0.0.1:5070 --tone 440 --press 1 --duration 10 --once --json
  RINGFLOW_PASSWORD=… ringflow answer --server pbx.local --user 1001 --record calls.wav`,
}

export const register: CommandSpec = {
  summary: 'Register at a server and stay registered',
  usage: 'ringflow register --server <host> --user <name> [options]',
  about: `
Shows whether server, user and password are right. It keeps the registration fresh until Ctrl-C, then un-registers.
With --once it registers, un-registers and ends.`,
  options: {
    ...IDENTITY,
    expires: { type: 'string', value: 'seconds', help: 'lifetime to ask for. Default: 600' },
    once: { type: 'boolean', help: 'register, un-register, end' },
    ...NETWORK,
    ...ENCRYPTION,
    ...OUTPUT,
  },
  examples: `
  RINGFLOW_PASSWORD=… ringflow register --server pbx.local --user 1001 --once`,
}

const REGISTER_FIRST: OptionTable = {
  register: { type: 'boolean', help: 'register first: some servers answer only registered users' },
}

const TARGET: OptionTable = {
  target: { type: 'string', short: 't', env: 'SIP_TARGET', value: 'target', help: 'in place of <target>' },
}

export const message: CommandSpec = {
  summary: 'Send a text message',
  usage: 'ringflow message <target> <text> [options]',
  about: `
Sends one SIP MESSAGE and waits for its answer: delivered, kept by the server for the recipient, or refused.
<target> is a number, name@host, or a sip: or tel: address. Numbers and plain names need --server.`,
  options: {
    ...TARGET,
    text: { type: 'string', value: 'text', help: 'in place of <text>' },
    ...IDENTITY,
    ...REGISTER_FIRST,
    ...NETWORK,
    ...OUTPUT,
  },
  examples: `
  ringflow message sip:kitchen@192.0.2.7 "Dinner is ready"
  RINGFLOW_PASSWORD=… ringflow message 1002 "Pump 3 has stopped" --server pbx.local --user 1001`,
}

export const options: CommandSpec = {
  summary: 'Ping a SIP server or telephone',
  usage: 'ringflow options <target> [options]',
  about: `
Sends SIP OPTIONS requests and shows for each the answer, its time, and the address that it came from; then the loss and the
mean time. Any answer counts, an error too, but 408, 502, 503 and 504: by them a proxy says that it does not reach the target.
It ends with 0 if there was an answer, and with 1 if there was none.`,
  options: {
    ...TARGET,
    count: { type: 'string', value: 'n', help: 'number of requests. Default: 4' },
    interval: { type: 'string', value: 'seconds', help: 'time between two requests. Default: 1' },
    timeout: { type: 'string', value: 'seconds', help: 'wait so long for an answer. Default: 5' },
    ...IDENTITY,
    ...REGISTER_FIRST,
    ...NETWORK,
    ...OUTPUT,
  },
  examples: `
  ringflow options sip:pbx.local
  ringflow options sip:192.0.2.7:5060 --count 10 --interval 0.5 --json`,
}
