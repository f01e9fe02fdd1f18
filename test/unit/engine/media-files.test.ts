import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { listMediaFiles } from '../../../src/engine/media-files.js'
import { findPlayFile } from '../../../src/engine/paths.js'

describe('media files', () => {
  let base = ''
  let first = ''
  let second = ''

  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'ringflow-media-files-')))
    first = join(base, 'first')
    second = join(base, 'second')
    await mkdir(first)
    await mkdir(second)
  })
  afterEach(() => rm(base, { recursive: true }))

  const put = async (...files: string[]): Promise<void> => {
    for (const file of files) {
      await mkdir(dirname(join(base, file)), { recursive: true })
      await writeFile(join(base, file), 'x')
    }
  }
  const names = (files: { name: string }[]) => files.map(({ name }) => name)

  it('are listed by the names that play takes, the ones nearest to their folder first', async () => {
    await put('first/z.wav', 'first/B.WAV', 'first/sub/a.wav', 'first/sub/deep/b.wave', 'second/c.wav')
    const { folders, files, truncated } = await listMediaFiles([first, second])
    assert.deepEqual(folders, [first, second])
    assert.deepEqual(files, [
      { name: 'B.WAV', folder: 0 },
      { name: 'z.wav', folder: 0 },
      { name: 'sub/a.wav', folder: 0 },
      { name: 'sub/deep/b.wave', folder: 0 },
      { name: 'c.wav', folder: 1 },
    ])
    assert.equal(truncated, false)
    for (const { name, folder } of files) {
      assert.equal(await findPlayFile(name, folders), join(folders[folder] ?? '', name))
    }
  })

  it('that an earlier folder has under the same name are listed once, as they are played once', async () => {
    await put('first/a.wav', 'second/a.wav')
    assert.deepEqual((await listMediaFiles([first, second])).files, [{ name: 'a.wav', folder: 0 }])
  })

  it('leave out what is hidden, not sound, a folder, a pipe to elsewhere, or a link that leads out', async () => {
    await put('first/.hidden.wav', 'first/.cache/a.wav', 'first/notes.txt', 'outside.wav', 'first/in.wav')
    await mkdir(join(first, 'folder.wav'))
    await symlink(join(base, 'outside.wav'), join(first, 'out.wav'))
    await symlink(join(base, 'missing.wav'), join(first, 'dangling.wav'))
    await symlink(join(first, 'in.wav'), join(first, 'link.wav'))
    await symlink(first, join(first, 'loop'))
    assert.deepEqual(names((await listMediaFiles([first])).files), ['in.wav', 'link.wav'])
  })

  it('of a folder that does not exist are none, and the folder is named all the same', async () => {
    const missing = join(base, 'missing')
    assert.deepEqual(await listMediaFiles([missing]), { folders: [missing], files: [], truncated: false })
  })

  it('are bounded in number and depth, and it is said that there are more', async () => {
    await put('first/1/2/3/4/5/last.wav', 'first/1/2/3/4/5/6/too-deep.wav')
    const deep = await listMediaFiles([first])
    assert.deepEqual(names(deep.files), ['1/2/3/4/5/last.wav'])
    assert.equal(deep.truncated, true)
    await put(...Array.from({ length: 1001 }, (_, i) => `second/${i}.wav`))
    const many = await listMediaFiles([second])
    assert.equal(many.files.length, 1000)
    assert.equal(many.truncated, true)
  })
})
