/** Whatever stands in quotes, brackets or names: a header value is read as it was written, and a list keeps every value. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { splitList } from '../../../../src/sip/message/list.js'
import { parseNameAddress } from '../../../../src/sip/uri/name-address.js'

const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`

/** Everything that a reader could take for the end of something. */
const tricky = fc.string({
  unit: fc.constantFrom(...'ab <>",;:\\@=()ü☎', '<sip:x@y>', '>;tag=z', ', ', ';expires=1', '\\"'),
  maxLength: 12,
})
const token = fc.stringMatching(/^[a-z][a-z0-9.!%*_+'~-]{0,6}$/)
const uris = fc.constantFrom(
  'sip:a@b',
  'sip:a@b:5070',
  'sip:b',
  'sips:a@[2001:db8::1]:5061',
  'tel:+49301',
  'sip:%22%3C@b',
)
const bracketedUris = fc.oneof(uris, fc.constantFrom('sip:a@b;transport=tcp;lr', 'sip:a,b;c@d', 'sip:a@b?Subject=x,y'))
const names = fc.oneof(
  fc.record({
    written: fc.constantFrom('', 'Bob', 'Bell, Alexander', '6" pipe', 'a 5" and 6" b'),
    lone: fc.constant(true),
  }),
  fc.record({ written: tricky, lone: fc.constant(false) }),
)
const params = fc.uniqueArray(fc.tuple(token, fc.oneof(tricky.map(quote), token, fc.constant(undefined))), {
  selector: ([name]) => name,
  maxLength: 4,
})
const written = (list: readonly [string, string | undefined][], blank: string): string =>
  list.map(([name, value]) => `${blank};${blank}${name}${value === undefined ? '' : `=${value}`}`).join('')
const blanks = fc.constantFrom('', ' ', '\t ')

/** A value, and what is to be read of it. */
const bracketed = fc.tuple(names, bracketedUris, params, blanks).map(([name, uri, list, blank]) => {
  const display = name.lone ? name.written : quote(name.written)
  return { text: `${display}${display && ' '}<${uri}>${written(list, blank)}`, uri, name: name.written, params: list }
})
const bare = fc
  .tuple(uris, params, blanks)
  .map(([uri, list, blank]) => ({ text: `${uri}${written(list, blank)}`, uri, name: '', params: list }))
const values = fc.oneof(bracketed, bare)

describe('name-addr and addr-spec, in any quoting', () => {
  it('give the URI, the name and the parameters that were written', () => {
    fc.assert(
      fc.property(values, (value) => {
        const read = parseNameAddress(value.text)
        assert.ok(read, value.text)
        assert.equal(read.uri.text, value.uri)
        assert.equal(read.displayName, value.name)
        assert.deepEqual([...read.params], value.params)
        assert.equal(read.toString(), value.text)
      }),
      { numRuns: 2_000 },
    )
  })

  it('come out of a list one by one, each as it went in', () => {
    // A single quotation mark opens a quoted string: its value must be alone on its line.
    const listable = values.filter(
      ({ text }) => (text.replace(/\\./g, '').split('"').length - 1) % 2 === 0 && !/^Bell|^[^"<]*,/.test(text),
    )
    fc.assert(
      fc.property(
        fc.array(listable, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(',', ', ', ' ,\t'),
        (list, comma) => {
          const found = splitList(list.map(({ text }) => text).join(comma))
          assert.deepEqual(
            found,
            list.map(({ text }) => text),
          )
          assert.deepEqual(
            found.map((text) => parseNameAddress(text)?.uri.text),
            list.map(({ uri }) => uri),
          )
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('never throw, and what is read once reads the same again', () => {
    fc.assert(
      fc.property(fc.oneof(tricky, fc.string({ unit: 'binary' })), (text) => {
        const read = parseNameAddress(text)
        if (read) assert.equal(parseNameAddress(read.toString())?.uri.text, read.uri.text)
        assert.equal(splitList(text).join(',').replace(/[\s,]/g, ''), text.replace(/[\s,]/g, ''))
      }),
    )
  })

  const instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000a959e6d22>"'
  it('parameters after a URI without brackets belong to the header (RFC 3261 20.10), brackets in them to their quotes', () => {
    const contact = parseNameAddress(`sip:door@192.0.2.1:5062;${instance};expires=60`)
    assert.equal(contact?.uri.text, 'sip:door@192.0.2.1:5062')
    assert.deepEqual([contact?.params.get('expires'), contact?.displayName], ['60', ''])
    assert.equal(parseNameAddress('sip:door@example.com;tag=t1;epid="<urn:x:1>"')?.tag, 't1')
    assert.equal(
      parseNameAddress(`"Do, <or>" <sip:door@x;transport=tcp>;${instance}`)?.uri.text,
      'sip:door@x;transport=tcp',
    )
  })

  it('takes the address in brackets where what stands before them could be read as one', () => {
    assert.equal(parseNameAddress('sip:evil@x;a=1 <sip:x@y>;tag=t')?.uri.text, 'sip:x@y')
  })

  it('refuses brackets without quotes where a name or a parameter stands', () => {
    for (const text of [
      'a>b <sip:x@y>',
      'sip:a@b;x=<y>',
      '"a" b <sip:x@y>',
      '"a <sip:x@y>',
      'sip:a@b;x="<y>',
      'sip:a@b;x="y"<z>',
    ]) {
      assert.equal(parseNameAddress(text), undefined, text)
    }
  })
})
