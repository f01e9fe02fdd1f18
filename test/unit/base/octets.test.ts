import assert from 'node:assert/strict'
import fc from 'fast-check'
import { octetLength, octetsOf, readable, textOf, wellFormed } from '../../../src/base/octets.js'

/** Octets that are near to UTF-8 and are none: cut, overlong, surrogates, above U+10FFFF. */
const pieces = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 8 }).map((octets) => Buffer.from(octets)),
  fc
    .constantFrom('c080', 'e08080', 'eda080', 'f4908080', 'f08080', 'c3', 'e282', 'f09f98', 'ff')
    .map((hex) => Buffer.from(hex, 'hex')),
)
const mixtures = fc.array(pieces, { maxLength: 12 }).map((parts) => Buffer.concat(parts))

describe('octets as text', () => {
  it('go back to the same octets, whatever they are, and are counted as such', () => {
    fc.assert(
      fc.property(mixtures, (octets) => {
        const text = textOf(octets)
        assert.deepEqual(octetsOf(text), octets)
        assert.equal(octetLength(text), octets.length)
      }),
      { numRuns: 2_000 },
    )
  })

  it('are UTF-8 wherever they are UTF-8, also beside octets that are not', () => {
    assert.equal(textOf(Buffer.from('Jürgen ☎ 😀')), 'Jürgen ☎ 😀')
    const mixed = Buffer.concat([Buffer.from('ü☎😀'), Buffer.from([0xfc]), Buffer.from('ü')])
    assert.equal(readable(textOf(mixed)), 'ü☎😀üü')
  })

  it('become letters of ISO 8859-1 and Windows-1252 for people, never control characters or halves of letters', () => {
    assert.equal(readable(textOf(Buffer.from('J\xfcrgen M\xf6ller', 'latin1'))), 'Jürgen Möller')
    assert.equal(readable(textOf(Buffer.from([0x80, 0x99, 0x85]))), '€™…')
    fc.assert(
      fc.property(mixtures, (octets) => {
        const added = [...readable(textOf(octets))].filter((letter) => !octets.toString().includes(letter))
        assert.doesNotMatch(added.join(''), /[\p{Cc}\p{Surrogate}]/u)
      }),
    )
  })

  it('do not come from text that was written here', () => {
    assert.equal(wellFormed('a\udcfcb\ud83d'), 'a\ufffdb\ufffd')
    assert.equal(wellFormed('😀'), '😀')
  })

  it('take no long time for 64 KB of octets that are not UTF-8', () => {
    const startedMs = performance.now()
    for (const octet of [0xff, 0xc3, 0xf0]) assert.equal(octetsOf(textOf(Buffer.alloc(65_536, octet))).length, 65_536)
    assert.ok(performance.now() - startedMs < 2_000)
  })
})
