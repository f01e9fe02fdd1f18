import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CallEnd, CallSnapshot } from '../../../src/call/call-event.js'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
  'node-red': { nodes: Record<string, string> }
}
/** Complete, or they do not compile. */
const CAUSES = {
  normal: true,
  busy: true,
  'no-answer': true,
  rejected: true,
  cancelled: true,
  'completed-elsewhere': true,
  failed: true,
  'media-timeout': true,
  'session-expired': true,
  abandoned: true,
  interrupted: true,
  transferred: true,
} satisfies Record<CallEnd['cause'], true>
const CALL_FIELDS = {
  id: true,
  sipCallId: true,
  account: true,
  direction: true,
  state: true,
  from: true,
  to: true,
  startedAt: true,
  answeredAt: true,
  endedAt: true,
  durationMs: true,
  codec: true,
  hold: true,
  headers: true,
  identity: true,
  alert: true,
  group: true,
  tags: true,
  end: true,
  diagnosis: true,
} satisfies Record<keyof CallSnapshot, true>

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...pagesBelow('docs')]

describe('documents', () => {
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8')

    it(`${page}: every file that it names exists`, () => {
      const links = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link]) => link ?? '')
      const local = links.filter((link) => !/^[a-z]+:/.test(link)).map((link) => join(dirname(page), link))
      const named = [...text.matchAll(/`((?:test|src|scripts|examples|docs)\/[\w./-]+)`/g)].map(
        ([, path]) => path ?? '',
      )
      assert.deepEqual(
        [...local, ...named].filter((path) => !existsSync(join(root, path))),
        [],
      )
    })

    it(`${page}: every npm command that it names exists`, () => {
      const commands = [...text.matchAll(/npm (?:run )?(start|test|build|check|matrix|bench)\b/g)]
      assert.deepEqual(
        commands.map(([, name]) => name ?? '').filter((name) => !(name in manifest.scripts)),
        [],
      )
    })
  }

  it('docs/reference/messages.md: has every cause and every field of a call', () => {
    const text = readFileSync(join(root, 'docs/reference/messages.md'), 'utf8')
    assert.deepEqual(
      Object.keys(CAUSES).filter((cause) => !text.includes(`| \`${cause}\` |`)),
      [],
    )
    assert.deepEqual(
      Object.keys(CALL_FIELDS).filter((field) => !text.includes(`"${field}":`)),
      [],
    )
  })

  it('README.md: its table has every node, and no other', () => {
    const text = readFileSync(join(root, 'README.md'), 'utf8')
    const listed = [...text.matchAll(/^\| `(sip-[\w-]+)` \|/gm)].map(([, type]) => type)
    assert.deepEqual(listed.sort(), Object.keys(manifest['node-red'].nodes).sort())
  })
})

function pagesBelow(folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name))
}
