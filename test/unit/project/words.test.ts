/** Phrases that readers stumble over (CONTRIBUTING.md, language): an error, a page or a comment that has one again fails here. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repoPath } from '../../support/repo.js'

/** The phrase, and an example of what to write instead. */
const PHRASES: [phrase: RegExp, instead: string][] = [
  [
    /(?<!\bthere )\b(?:is|are|was|were) no (?!longer\b)\w+/i,
    '“x” is not a valid number; errors do not arrive as messages',
  ],
  [/\bhow manieth\b/i, 'the version number of the description'],
  [/\bfrom nobody\b/i, 'an exception in one listener does not stop the others'],
  [/\bOf a (?:call|peer|node) that\b[^.]*, never\b/, 'never resolves if the call ends first'],
  [/\bnothing is what\b/i, 'a removed binding has no remaining time'],
  [/\bfor the wish of\b/i, 'ends calls whose account was removed'],
  [/\bwhose \w+ it is not\b/i, 'not our binding'],
  [/\bnobody[’']s\b/i, 'name the noun: “of no peer”'],
  [/\b(?:of|about) (?:theirs|ours|its but)\b(?![(.])/i, 'name the noun: “the peer’s”, “our request”'],
  [/\bwho(?:so)?ever\b/i, 'name the person or the part: “the caller”, “the peer”'],
  [/\bwhom? or what\b|\bwho asks\b|\bwho has none\b/i, 'name the noun'],
  [/\b(?:came|comes) to be\b/i, 'is placed, exists'],
  [/\bin vain\b/i, 'without an answer'],
]
const ENDINGS = /\.(?:ts|mjs|cjs|css|html|json|md)$/
const LEFT_OUT = ['test/unit/project/words.test.ts']

function filesBelow(folder: string): string[] {
  return readdirSync(repoPath(folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => ENDINGS.test(path) && !LEFT_OUT.some((left) => path.startsWith(left)))
}

/** Text that is broken over lines of a comment is read as one line. */
const textOf = (path: string): string => readFileSync(repoPath(path), 'utf8').replace(/\n\s*(?:\*|\/\/)\s/g, ' ')

describe('words', () => {
  const files = [
    ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
    ...['src', 'nodes', 'test', 'bench', 'docs', 'examples', 'scripts'].flatMap(filesBelow),
  ]

  for (const [phrase, instead] of PHRASES) {
    it(`${phrase.source} is not written; an example of what is: ${instead}`, () => {
      const found = files.flatMap((path) => {
        const match = phrase.exec(textOf(path))
        return match ? [`${path}: ${match[0]}`] : []
      })
      assert.deepEqual(found, [])
    })
  }

  it('recognises the phrases', () => {
    for (const text of [
      '“1002x” is no SIP address',
      'x is no number.',
      'Errors are no messages',
      'the how manieth description this is',
      'keeps the next one from nobody',
      'Of a call that ends before, never.',
      'nothing is what a binding that was removed has',
      'Never for the wish of somebody',
      'whose binding it is not',
      'nobody’s',
      'a stranger of theirs',
      'Whoever presses more than that',
      'of a call that never came to be',
      'it was asked in vain',
    ]) {
      assert.ok(
        PHRASES.some(([phrase]) => phrase.test(text)),
        text,
      )
    }
    for (const text of [
      'there is no call',
      'there is no file name',
      'false where there is none',
      'it is no longer used',
    ])
      assert.ok(!PHRASES.some(([phrase]) => phrase.test(text)), text)
  })
})
