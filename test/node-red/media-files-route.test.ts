/** What the dialogs of play and gather ask for. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MediaFiles } from '../../src/engine/protocol.js'
import { type RunningNodeRed, startNodeRed } from '../support/node-red-process.js'
import { repoPath } from '../support/repo.js'

const PASSWORD = 'secret'
const HASH = '$2b$04$sf0Ihqmk/GHzsjCh70.TqeQDrHm27f5L.lcdkcbrPFS.bJoz20ulm'
const user = (username: string, permissions: string) => ({ username, password: HASH, permissions })

describe('the list of media files', function () {
  this.timeout(90_000)
  let nodeRed: RunningNodeRed
  let prompts: string

  before(async () => {
    prompts = mkdtempSync(join(tmpdir(), 'ringflow-prompts-'))
    writeFileSync(join(prompts, 'welcome.wav'), '')
    writeFileSync(join(prompts, 'notes.txt'), '')
    nodeRed = await startNodeRed({
      settings: {
        ringflow: { mediaFolders: prompts },
        adminAuth: {
          type: 'credentials',
          users: [user('reader', 'read'), user('other', 'flows.read')],
          // Starting Node-RED is noticed by this.
          default: { permissions: 'flows.read' },
        },
      },
    })
    mkdirSync(join(nodeRed.userDir, 'ringflow', 'media'), { recursive: true })
    writeFileSync(join(nodeRed.userDir, 'ringflow', 'media', 'own.wav'), '')
  })
  after(async () => {
    await nodeRed?.close()
    rmSync(prompts, { recursive: true, force: true })
  })

  const ask = async (token?: string): Promise<Response> =>
    fetch(`${nodeRed.url}/ringflow/media-files`, { headers: token ? { authorization: `Bearer ${token}` } : {} })

  async function signIn(username: string): Promise<string> {
    const body = new URLSearchParams({
      client_id: 'node-red-editor',
      grant_type: 'password',
      scope: '',
      username,
      password: PASSWORD,
    })
    const response = await fetch(`${nodeRed.url}/auth/token`, { method: 'POST', body })
    assert.equal(response.status, 200)
    return ((await response.json()) as { access_token: string }).access_token
  }

  it('names each folder and the files in it, before any account is in use', async () => {
    const response = await ask(await signIn('reader'))
    assert.equal(response.status, 200)
    const { folders, files, truncated } = (await response.json()) as MediaFiles
    assert.deepEqual(folders, [prompts, join(nodeRed.userDir, 'ringflow', 'media'), repoPath('examples', 'media')])
    assert.equal(truncated, false)
    const names = (folder: number) => files.filter((file) => file.folder === folder).map(({ name }) => name)
    assert.deepEqual(names(0), ['welcome.wav'])
    assert.deepEqual(names(1), ['own.wav'])
    assert.ok(names(2).includes('thanks.wav'))
  })

  it('is for those who may read: others get 401', async () => {
    assert.equal((await ask()).status, 401)
    assert.equal((await ask(await signIn('other'))).status, 401)
  })
})
