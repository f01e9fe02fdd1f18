import assert from 'node:assert/strict'
import fc from 'fast-check'
import { contentTypeOf, documentOf, stateReader } from '../../../src/presence/packages.js'
import { parseXml } from '../../../src/presence/xml.js'

const DIALOG = 'application/dialog-info+xml'

const dialogInfo = (version: number, state: string, dialogs: string): string =>
  `<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="${state}" entity="sip:a@h">${dialogs}</dialog-info>`

describe('documents of event packages', () => {
  it('presence of a server, with prefixes, notes and an activity (RFC 3863, RFC 4480)', () => {
    const read = stateReader('presence')
    const text = `<?xml version="1.0" encoding="UTF-8"?>
      <p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" xmlns:dm="x" xmlns:r="y" entity="pres:al&#x69;ce@example.com">
        <!-- a comment --><p:tuple id="t1"><p:status><p:basic>open</p:basic></p:status>
        <p:contact priority="0.8">sip:alice@h</p:contact><p:note xml:lang="en">In &lt;meeting&gt;</p:note></p:tuple>
        <dm:person id="p"><r:activities><r:busy/></r:activities></dm:person></p:presence>`
    assert.deepEqual(read('application/pidf+xml;charset=UTF-8', text), {
      entity: 'pres:alice@example.com',
      status: 'open',
      note: 'In <meeting>',
      activity: 'busy',
      tuples: [{ id: 't1', status: 'open', contact: 'sip:alice@h', note: 'In <meeting>' }],
    })
  })

  it('dialog: partial documents change what full ones have said, old ones do nothing (RFC 4235 4.3)', () => {
    const read = stateReader('dialog')
    const line = (text: string) => (read(DIALOG, text) as { line: string } | null)?.line
    assert.equal(line(dialogInfo(0, 'full', '')), 'idle')
    assert.equal(line(dialogInfo(1, 'partial', '<dialog id="1"><state>early</state></dialog>')), 'early')
    assert.equal(line(dialogInfo(2, 'partial', '<dialog id="2"><state>confirmed</state></dialog>')), 'confirmed')
    assert.equal(line(dialogInfo(2, 'partial', '<dialog id="2"><state>terminated</state></dialog>')), undefined)
    assert.equal(
      line(dialogInfo(3, 'partial', '<dialog id="2"><state event="remote-bye">terminated</state></dialog>')),
      'early',
    )
    assert.equal(line(dialogInfo(4, 'full', '')), 'idle')
    assert.equal(line(dialogInfo(0, 'full', '<dialog id="9"><state>trying</state></dialog>')), 'trying')
  })

  it('message-summary: counts of each kind (RFC 3842 5.2)', () => {
    const read = stateReader('message-summary')
    const text = 'Messages-Waiting: yes\r\nMessage-Account: sip:a@h\r\nVoice-Message: 2/8 (0/2)\r\nFax-Message: 1/0\r\n'
    assert.deepEqual(read('application/simple-message-summary', text), {
      waiting: true,
      account: 'sip:a@h',
      messages: {
        voice: { new: 2, old: 8, urgentNew: 0, urgentOld: 2 },
        fax: { new: 1, old: 0, urgentNew: 0, urgentOld: 0 },
      },
    })
  })

  it('reg: the contacts of an address (RFC 3680 5)', () => {
    const text = `<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="3" state="partial"><registration aor="sip:a@h" id="x" state="active">
      <contact id="7" state="active" event="registered" expires="300"><uri>sip:a@192.0.2.1</uri></contact></registration></reginfo>`
    assert.deepEqual(stateReader('reg')('application/reginfo+xml', text), {
      version: 3,
      full: false,
      registrations: [
        {
          aor: 'sip:a@h',
          state: 'active',
          contacts: [{ uri: 'sip:a@192.0.2.1', state: 'active', event: 'registered', expiresSec: 300 }],
        },
      ],
    })
  })

  it('refer: the status line (RFC 3515 2.4.5)', () => {
    assert.deepEqual(stateReader('refer')('message/sipfrag;version=2.0', 'SIP/2.0 180 Ringing\r\n'), {
      status: 180,
      reason: 'Ringing',
    })
  })

  it('another content type, a malformed and an empty body have no state', () => {
    const read = stateReader('presence')
    for (const [type, text] of [
      ['text/plain', '<presence/>'],
      ['application/pidf+xml', '<presence>'],
      ['application/pidf+xml', ''],
      ['application/pidf+xml', '<dialog-info/>'],
    ] as const)
      assert.equal(read(type, text), null, text)
    assert.equal(stateReader('my-own')('text/plain', 'x'), null)
  })

  it('what is written is read again, whatever its texts hold', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.constantFrom('open' as const, 'closed' as const),
        (note, status) => {
          const { contentType, content } = documentOf(
            'presence',
            { status, note },
            { entity: `sip:${note}@h`, version: 1 },
          )
          const read = stateReader('presence')(contentType, content) as { status: string; note: string }
          assert.equal(read.status, status)
          // biome-ignore lint/suspicious/noControlCharactersInRegex: XML cannot hold them
          assert.equal(read.note, note.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '').trim())
        },
      ),
    )
    for (const line of ['idle', 'trying', 'early', 'confirmed']) {
      const { content } = documentOf('dialog', { line, remote: 'sip:1@h' }, { entity: 'sip:a@h', version: 0 })
      assert.equal((stateReader('dialog')(DIALOG, content) as { line: string }).line, line)
    }
  })

  it('names the content type for the Accept of a SUBSCRIBE', () => {
    assert.deepEqual([contentTypeOf('dialog'), contentTypeOf('my-own')], [[DIALOG], []])
  })
})

describe('the XML reader', () => {
  it('reads elements, attributes, text, CDATA, references and comments', () => {
    const root = parseXml(
      `\ufeff<?xml version="1.0"?><a x='1' p:y="&quot;"><b/>&#65;&#x42;<![CDATA[<c>]]><!-- - --></a> `,
    )
    assert.deepEqual([root?.name, root?.text, root?.children.map(({ name }) => name)], ['a', 'AB<c>', ['b']])
    assert.deepEqual(
      [...(root?.attributes ?? [])],
      [
        ['x', '1'],
        ['y', '"'],
      ],
    )
  })

  it('refuses document types and their entities, open and crossed tags, bad references, and what is beyond a limit', () => {
    for (const text of [
      '',
      'x',
      '<a>',
      '<a></b>',
      '<a><b></a></b>',
      '<a/><b/>',
      '<a x=1/>',
      '<a x="1"y="2"/>',
      '<a x="<"/>',
      '<a>&lol;</a>',
      '<a>&amp</a>',
      '<a>&#0;</a>',
      '<a>&#xd800;</a>',
      '<a>&#x110000;</a>',
      '<a>&#9999999;</a>',
      '<!DOCTYPE a [<!ENTITY lol "lol">]><a>&lol;</a>',
      '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
      '<a><!-- ',
      '<a><![CDATA[ </a>',
      `${'<a>'.repeat(17)}${'</a>'.repeat(17)}`,
      `<a>${'<b/>'.repeat(2_000)}</a>`,
      `<a>${' '.repeat(65_536)}</a>`,
    ])
      assert.equal(parseXml(text), undefined, text.slice(0, 60))
    assert.ok(parseXml(`${'<a>'.repeat(16)}${'</a>'.repeat(16)}`))
  })

  it('never throws, whatever comes', () => {
    const pieces = fc.constantFrom(
      '<a',
      '<a>',
      '</a>',
      '/>',
      '>',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?',
      '?>',
      '&',
      ';',
      '&#',
      'x',
      '"',
      '=',
      ' ',
      '<p:b q="1">',
      '\ud800',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces, { maxLength: 40 }).map((some) => some.join('')),
        ),
        (text) => {
          parseXml(text)
          for (const event of ['presence', 'dialog', 'message-summary', 'reg', 'refer'])
            stateReader(event)(contentTypeOf(event)[0] ?? '', text)
        },
      ),
      { numRuns: 500 },
    )
  })
})
