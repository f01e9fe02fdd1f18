/** SIP URIs and messages made by chance: valid by RFC 3261, and without the differences that the oracle's tests list. */
import fc from 'fast-check'
import { requestText, responseText } from './sip-messages.js'

const token = fc.stringMatching(/^[a-z][a-z0-9.!%*_+'~-]{0,8}$/)
/** sip.js reads these itself, in ways of its own. */
const SPECIAL = new Set([
  'transport',
  'user',
  'method',
  'ttl',
  'maddr',
  'lr',
  'tag',
  'q',
  'expires',
  'branch',
  'rport',
  'received',
])
const uriParamName = fc
  .stringMatching(/^[a-zA-Z][a-z0-9_-]{0,7}$/)
  .filter((name) => !SPECIAL.has(name.toLowerCase()) && !/^lr/i.test(name))
const params = (value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .uniqueArray(fc.tuple(uriParamName, fc.option(value)), { selector: ([name]) => name.toLowerCase(), maxLength: 3 })
    .map((list) => list.map(([name, text]) => (text === null ? `;${name}` : `;${name}=${text}`)).join(''))

const hosts = fc.oneof(
  fc.stringMatching(/^([a-z0-9]{1,6}\.){0,2}[a-z][a-z0-9]{0,5}$/),
  fc.ipV4(),
  fc.constantFrom('[2001:db8::1]', '[::1]', '[2001:DB8:0:0:0:0:0:9]', 'Example.COM'),
)
const users = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9+&=$,;?/._!~*'()-]{1,12}$/),
  fc
    .array(fc.constantFrom('a', 'B', '7', '%20', '%3B', '%40', '%C3%BC', '%25'), { minLength: 1, maxLength: 6 })
    .map((all) => all.join('')),
)
const ports = fc.oneof(
  fc.constant(''),
  fc.integer({ min: 1, max: 65_535 }).map((port) => `:${port}`),
)
const headers = fc.constantFrom('', '', '', '?subject=x', '?a=b&c=d')

const uris = (tail: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .record({
      scheme: fc.constantFrom('sip', 'sip', 'sips', 'SIP'),
      user: fc.option(users),
      host: hosts,
      port: ports,
      params: params(fc.stringMatching(/^[a-z0-9._!~*'()%25-]{1,6}$/).filter((text) => !text.includes('%'))),
      lr: fc.constantFrom('', '', ';lr'),
      tail,
    })
    .map(
      (uri) =>
        `${uri.scheme}:${uri.user === null ? '' : `${uri.user}@`}${uri.host}${uri.port}${uri.params}${uri.lr}${uri.tail}`,
    )

export const uriTexts = uris(headers)
const plainUris = uris(fc.constant(''))

/** What a reader could take for the end of something; no quote or backslash, which sip.js does not take apart. */
const quoted = fc
  .string({ unit: fc.constantFrom(...'ab <>,;:@=()ü☎'), minLength: 1, maxLength: 10 })
  .filter((text) => text.trim() === text)
  .map((text) => `"${text}"`)
const names = fc.oneof(fc.constant(''), quoted, fc.constantFrom('Bob', 'Bob Miller'))
const blanks = fc.constantFrom('', ' ', '\t ')
const addresses = fc
  .tuple(names, plainUris, params(fc.oneof(token, quoted)), blanks)
  .map(([name, uri, list, blank]) => `${name}${name === '' ? '' : ' '}<${uri}>${blank}${list}`)
const tagged = fc.tuple(addresses, token).map(([address, tag]) => `${address};tag=${tag}`)
const vias = fc
  .tuple(
    fc.constantFrom('UDP', 'TCP', 'TLS'),
    hosts,
    ports,
    token,
    fc.constantFrom('', ';rport'),
    params(token),
    blanks,
  )
  .map(
    ([transport, host, port, branch, rport, list, blank]) =>
      `SIP/2.0/${transport} ${host}${port}${blank};branch=z9hG4bK${branch}${rport}${list}`,
  )
const callIds = fc.stringMatching(/^[A-Za-z0-9.!%*_+~-]{1,12}(@[a-z0-9.]{1,9})?$/)
const bodies = fc.oneof(
  fc.constant(''),
  fc.string({ unit: fc.constantFrom(...'v=0 \r\na:;<>"'), minLength: 1, maxLength: 40 }),
)

const parts = fc.record({
  method: fc.constantFrom('INVITE', 'BYE', 'OPTIONS', 'REGISTER', 'NOTIFY', 'XTRA'),
  uri: plainUris,
  vias: fc.array(vias, { minLength: 1, maxLength: 4 }),
  from: tagged,
  to: fc.oneof(addresses, tagged),
  callId: callIds,
  cseq: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  contacts: fc.array(addresses, { maxLength: 3 }),
  routes: fc.array(plainUris, { maxLength: 3 }),
  comma: fc.constantFrom(', ', ',', ' ,\t'),
  other: fc.array(fc.tuple(fc.constantFrom('Subject', 'X-Own', 'Reason', 'X-Own'), fc.constantFrom('a', 'b;c', 'd'))),
  body: bodies,
  status: fc.option(fc.integer({ min: 100, max: 699 })),
})

export const messageTexts: fc.Arbitrary<string> = parts.map((of) => {
  const more = [
    ...of.vias.slice(1).map((via) => `Via: ${via}`),
    ...of.other.map(([name, value]) => `${name}: ${value}`),
    ...(of.contacts.length === 0 ? [] : [`Contact: ${of.contacts.join(of.comma)}`]),
    ...(of.routes.length === 0 ? [] : [`Record-Route: ${of.routes.map((uri) => `<${uri}>`).join(of.comma)}`]),
  ]
  const cseq = `${of.cseq} ${of.method}`
  if (of.status !== null) {
    return responseText(of.status, { reason: 'Some reason', to: of.to, cseq, headers: more })
  }
  const { method, uri, from, to, callId, body } = of
  return requestText({ method, uri, via: of.vias[0] ?? '', from, to, callId, cseq, headers: more, body })
})
