import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TelephonyError } from '../../../src/base/errors.js'
import { findPlayFile, prepareRecordFile, recordName } from '../../../src/engine/paths.js'
import { tell } from '../../support/figures.js'

const code = (expected: string) => (error: unknown) => error instanceof TelephonyError && error.code === expected

describe('media paths', () => {
  let base = ''
  let root = ''
  let second = ''

  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'ringflow-paths-')))
    root = join(base, 'media')
    second = join(base, 'more')
    await mkdir(join(root, 'sub'), { recursive: true })
    await mkdir(second)
    await mkdir(join(base, 'media-secret'))
    for (const file of ['media/a.wav', 'media/sub/b.wav', 'more/c.wav', 'outside.wav', 'media-secret/d.wav']) {
      await writeFile(join(base, file), 'x')
    }
  })

  afterEach(() => rm(base, { recursive: true }))

  it('finds files by relative name, root by root, and absolute ones below a root', async () => {
    assert.equal(await findPlayFile('a.wav', [root, second]), join(root, 'a.wav'))
    assert.equal(await findPlayFile('sub/../sub/b.wav', [root, second]), join(root, 'sub/b.wav'))
    assert.equal(await findPlayFile('c.wav', [root, second]), join(second, 'c.wav'))
    assert.equal(await findPlayFile(join(second, 'c.wav'), [root, second]), join(second, 'c.wav'))
  })

  let refused = 0
  const refuses = async (attempt: Promise<string>): Promise<void> => {
    await assert.rejects(attempt, code('FILE_OUTSIDE_ROOT'))
    refused++
  }
  after(() => tell('names that lead out of their folder: refused', `${refused}`, 'all'))

  const leaving = ['../outside.wav', 'sub/../../outside.wav', '../media-secret/d.wav', '/etc/passwd', '..', '.']
  for (const name of [...leaving, 'file:///etc/passwd', 'http://127.0.0.1/a.wav', 'FILE:a.wav', 'a.wav\0.txt']) {
    it(`refuses to play ${JSON.stringify(name)}`, () => refuses(findPlayFile(name, [root])))
  }

  it('refuses links that lead out of the root, and follows those that stay', async () => {
    await symlink(join(base, 'outside.wav'), join(root, 'link.wav'))
    await symlink(base, join(root, 'up'))
    await symlink(join(root, 'a.wav'), join(root, 'sub', 'stays.wav'))
    await refuses(findPlayFile('link.wav', [root]))
    await refuses(findPlayFile('up/outside.wav', [root]))
    assert.equal(await findPlayFile('sub/stays.wav', [root]), join(root, 'a.wav'))
  })

  it('takes a root that is a link itself', async () => {
    await symlink(root, join(base, 'linked'))
    assert.equal(await findPlayFile('a.wav', [join(base, 'linked')]), join(root, 'a.wav'))
  })

  it('says that a file is missing, is a folder, or was not named', async () => {
    for (const name of ['missing.wav', 'sub', '', ' ']) {
      await assert.rejects(findPlayFile(name, [root]), code('FILE_NOT_FOUND'))
    }
  })

  it('makes folders for recordings below the root, and the root', async () => {
    const recordings = join(base, 'recordings')
    assert.equal(await prepareRecordFile('2026/x/a.wav', recordings), join(recordings, '2026/x/a.wav'))
    assert.equal(await prepareRecordFile('settings.js', recordings), join(recordings, 'settings.js.wav'))
    assert.equal(await prepareRecordFile('A.WAV', recordings), join(recordings, 'A.WAV'))
  })

  for (const name of [...leaving.slice(0, 4), 'file:///tmp/a.wav', 'a\0.wav']) {
    it(`refuses to record to ${JSON.stringify(name)}`, () => refuses(prepareRecordFile(name, root)))
  }

  it('refuses to record through links', async () => {
    await symlink(base, join(root, 'up'))
    await symlink(join(base, 'not-yet.wav'), join(root, 'dangling.wav'))
    for (const name of ['up/new/a.wav', 'up/a.wav', 'dangling.wav']) await refuses(prepareRecordFile(name, root))
  })

  it('makes names that sort by time', () => {
    assert.equal(recordName(new Date('2026-01-31T08:15:00.5Z'), 'id'), join('2026-01-31', '081500-id.wav'))
  })
})
