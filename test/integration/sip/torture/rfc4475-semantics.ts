/** RFC 4475 3.2 to 3.4: well-formed, and yet not to be taken as they are. */
import { request, response, SDP_TEXT, type TortureCase } from './case.js'

export const SEMANTICS: readonly TortureCase[] = [
  {
    name: 'badbranch',
    section: '3.2.1',
    about: 'a branch that is nothing but the cookie: told apart as RFC 2543 did',
    text: request('OPTIONS sip:user@example.com SIP/2.0', { Via: 'Via: SIP/2.0/UDP 192.0.2.1:PORT;branch=z9hG4bK' }),
    outcome: 200,
  },
  {
    name: 'insuf',
    section: '3.3.1',
    about: 'no Call-ID, From or To',
    text: request('INVITE sip:user@example.com SIP/2.0', { 'Call-ID': '', From: '', To: '' }),
    outcome: 400,
  },
  {
    name: 'unkscm',
    section: '3.3.2',
    about: 'a scheme that nobody knows',
    text: request('OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0'),
    outcome: 416,
  },
  {
    name: 'novelsc',
    section: '3.3.3',
    about: 'a scheme that is not for SIP',
    text: request('OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0'),
    outcome: 416,
  },
  {
    name: 'unksm2',
    section: '3.3.4',
    about: 'unknown schemes in From, To and Contact',
    text: request('REGISTER sip:example.com SIP/2.0', {
      To: 'To: isbn:2983792873',
      From: 'From: <http://www.example.com>;tag=UNIQUE',
      Contact: 'Contact: <name:John_Smith>',
    }),
    outcome: 405,
  },
  {
    name: 'bext01',
    section: '3.3.5',
    about: 'required extensions that nobody has',
    text: request('OPTIONS sip:user@example.com SIP/2.0', {
      'Proxy-Require': 'Proxy-Require: nothingSupportsThis, nothingSupportsThisEither',
      Require: 'Require: noOneSupportsThis, noOneSupportsThisEither',
    }),
    outcome: 420,
    says: /^Unsupported: noOneSupportsThis, noOneSupportsThisEither\r$/m,
  },
  {
    name: 'invut',
    section: '3.3.6',
    about: 'a body of a type that nobody knows',
    text: request(
      'INVITE sip:user@example.com SIP/2.0',
      { 'Content-Type': 'Content-Type: application/unknownformat' },
      '<audio>\r\n <pcmu port="443"/>\r\n</audio>\r\n',
    ),
    outcome: 415,
    says: /^Accept: application\/sdp\r$/m,
  },
  {
    name: 'regaut01',
    section: '3.3.7',
    about: 'credentials of a scheme that nobody knows',
    text: request('REGISTER sip:example.com SIP/2.0', {
      Authorization: 'Authorization: NoOneKnowsThisScheme opaque-data=here',
    }),
    outcome: 405,
  },
  {
    name: 'multi01',
    section: '3.3.8',
    about: 'two of everything that there may be one of',
    text: request('INVITE sip:user@company.com SIP/2.0', {
      CSeq: 'CSeq: 5 INVITE\r\nCSeq: 59 INVITE',
      'Call-ID': 'Call-ID: UNIQUE\r\nCall-ID: UNIQUEb',
      From: 'From: sip:caller@example.com;tag=3413415\r\nFrom: sip:caller@example.com;tag=4',
      To: 'To: sip:user@example.com\r\nTo: sip:user@example.com',
      'Max-Forwards': 'Max-Forwards: 70\r\nMax-Forwards: 5',
    }),
    outcome: 400,
  },
  {
    name: 'mcl01',
    section: '3.3.9',
    about: 'two Content-Lengths that contradict each other',
    text: request(
      'OPTIONS sip:user@example.com SIP/2.0',
      { 'Content-Type': 'Content-Type: text/plain', 'Content-Length': 'Content-Length: 13\r\nContent-Length: 5' },
      'There are no octets here',
    ),
    outcome: 400,
  },
  {
    name: 'bcast',
    section: '3.3.10',
    about: 'a response to a broadcast address, not ours',
    text: response('SIP/2.0 200 OK', {
      Via: 'Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23',
    }),
    outcome: 'dropped',
  },
  {
    name: 'zeromf',
    section: '3.3.11',
    about: 'no hop left, and this is the last',
    text: request('OPTIONS sip:user@example.com SIP/2.0', { 'Max-Forwards': 'Max-Forwards: 0' }),
    outcome: 200,
  },
  {
    name: 'cparam01',
    section: '3.3.12',
    about: 'a parameter that is the header’s',
    text: request('REGISTER sip:example.com SIP/2.0', {
      Contact: 'Contact: sip:+19725552222@gw1.example.net;unknownparam',
    }),
    outcome: 405,
  },
  {
    name: 'cparam02',
    section: '3.3.13',
    about: 'a parameter that is the URI’s',
    text: request('REGISTER sip:example.com SIP/2.0', {
      Contact: 'Contact: <sip:+19725552222@gw1.example.net;unknownparam>',
    }),
    outcome: 405,
  },
  {
    name: 'regescrt',
    section: '3.3.14',
    about: 'a Contact whose URI has headers',
    text: request('REGISTER sip:example.com SIP/2.0', {
      Contact: 'Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>',
    }),
    outcome: 405,
  },
  {
    name: 'sdp01',
    section: '3.3.15',
    about: 'a caller that takes no session description',
    text: request('INVITE sip:user@example.com SIP/2.0', { Accept: 'Accept: text/nobodyKnowsThis' }, SDP_TEXT),
    outcome: 406,
  },
  {
    name: 'inv2543',
    section: '3.4.1',
    about: 'an INVITE of RFC 2543: no branch, no tag, no Max-Forwards',
    text: request(
      'INVITE sip:UserB@example.com SIP/2.0',
      {
        Via: 'Via: SIP/2.0/UDP iftgw.example.com:PORT',
        From: 'From: <sip:+13035551111@ift.client.example.net;user=phone>',
        'Max-Forwards': '',
        'Record-Route': 'Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>',
      },
      SDP_TEXT,
    ),
    outcome: 486,
  },
]
