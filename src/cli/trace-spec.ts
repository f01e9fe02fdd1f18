import type { CommandSpec } from './options.js'

export const trace: CommandSpec = {
  summary: 'Read a capture of packets: SIP ladder and diagnosis',
  usage: 'ringflow trace <file.pcap> [options]',
  about: `
Reads a pcap or pcapng file of tcpdump, Wireshark or --trace-file; “-” reads from stdin. It shows each SIP message over UDP,
TCP and WebSocket, the RTP streams, and why calls or registrations failed. Several filters must all fit;
they choose whole calls.`,
  options: {
    format: { type: 'string', value: 'text|mermaid', help: 'form of the ladder. Default: text' },
    follow: { type: 'boolean', short: 'f', help: 'show each message as it comes, until Ctrl-C' },
    method: { type: 'string', value: 'name', help: 'calls with a message of this method: INVITE, REGISTER …' },
    status: { type: 'string', value: 'code', help: 'calls with this response: 404, 4xx' },
    party: { type: 'string', value: 'user', help: 'calls from or to this user or number' },
    'call-id': { type: 'string', value: 'text', help: 'the call with this Call-ID' },
    host: { type: 'string', value: 'ip', help: 'calls from or to this address' },
    port: { type: 'string', value: 'port', help: 'calls from or to this port' },
    text: { type: 'string', value: 'text', help: 'calls with a message that has this text' },
    json: { type: 'boolean', help: 'print one JSON object per message on stdout; the last one is a summary' },
    help: { type: 'boolean', short: 'h', help: 'this text' },
  },
  examples: `
  ringflow trace call.pcap
  ringflow trace day.pcapng --status 4xx --party 1001
  tcpdump -i any -w - -U port 5060 | ringflow trace - --follow`,
}
