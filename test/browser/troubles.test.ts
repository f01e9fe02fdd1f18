/** What a newcomer sees in the editor when something does not work. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { type RunningNodeRed, startNodeRed } from '../support/node-red-process.js'
import { repoPath } from '../support/repo.js'
import { type Editor, invoke, launchBrowser, openEditor } from './support/editor.js'

const SHOTS = repoPath('.cache', 'browser', 'troubles')

const place = { z: 'tab', x: 200, wires: [[], [], []] }
const FLOW = [
  { id: 'tab', type: 'tab', label: 'calls' },
  // Nothing listens at port 9: the registration fails.
  { id: 'account', type: 'sip-account', name: 'pbx', aor: 'alice@127.0.0.1:9', register: true },
  { ...place, id: 'dial', type: 'sip-dial', y: 100, account: 'account', name: 'the dial' },
  { ...place, id: 'play', type: 'sip-play-media', y: 200, file: 'missing.wav', name: 'the play', wires: [[], []] },
  { ...place, id: 'inject', type: 'inject', y: 300, props: [{ p: 'payload' }], payload: '', payloadType: 'date' },
].map((item) => (item.id === 'inject' ? { ...item, wires: [['dial']] } : item))

describe('troubles in the editor', function () {
  this.timeout(120_000)
  let nodeRed: RunningNodeRed
  let browser: Browser
  let editor: Editor

  before(async () => {
    mkdirSync(SHOTS, { recursive: true })
    nodeRed = await startNodeRed()
    await nodeRed.deploy(FLOW)
    browser = await launchBrowser()
    editor = await openEditor(browser, nodeRed.url)
    await invoke(editor.page, 'core:show-debug-tab')
  })
  after(async () => {
    await editor?.close()
    await browser?.close()
    await nodeRed?.close()
  })

  it('the first line of an error in the debug sidebar is its text', async () => {
    await nodeRed.press('inject')
    const error = editor.page.locator('.red-ui-debug-msg-level-20').first()
    const shown = error.locator('.red-ui-debug-msg-payload')
    // Not folded away: nothing was clicked.
    await shown.filter({ hasText: 'the inject node sends a timestamp; set its payload' }).waitFor({ timeout: 10_000 })
    await editor.page.screenshot({ path: join(SHOTS, 'error.png') })
  })

  it('a missing file is in red under its node', async () => {
    const status = editor.page.locator(`#red-ui-workspace-chart g[id="play"] .red-ui-flow-node-status-label`)
    await status.filter({ hasText: 'file not found' }).waitFor({ timeout: 10_000 })
    await editor.page.screenshot({ path: join(SHOTS, 'status.png') })
  })
})
