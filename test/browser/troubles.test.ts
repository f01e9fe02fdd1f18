/** What a newcomer sees in the editor when something does not work. */
import { startNodeRed } from '../support/node-red-process.js'
import { type Editor, invoke, openEditor } from './support/editor.js'
import { pictureFile, runNodeRedAndBrowser } from './support/running.js'

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
  let editor: Editor

  const running = runNodeRedAndBrowser(async () => {
    const started = await startNodeRed()
    await started.deploy(FLOW)
    return started
  })
  before(async () => {
    editor = await openEditor(running.browser, running.nodeRed.url)
    await invoke(editor.page, 'core:show-debug-tab')
  })

  it('the first line of an error in the debug sidebar is its text', async () => {
    await running.nodeRed.press('inject')
    const error = editor.page.locator('.red-ui-debug-msg-level-20').first()
    const shown = error.locator('.red-ui-debug-msg-payload')
    // Not folded away: nothing was clicked.
    await shown.filter({ hasText: 'the inject node sends a timestamp; set its payload' }).waitFor({ timeout: 10_000 })
    await editor.page.screenshot({ path: pictureFile('troubles', 'error.png') })
  })

  it('a missing file is in red under its node', async () => {
    const status = editor.page.locator(`#red-ui-workspace-chart g[id="play"] .red-ui-flow-node-status-label`)
    await status.filter({ hasText: 'file not found' }).waitFor({ timeout: 10_000 })
    await editor.page.screenshot({ path: pictureFile('troubles', 'status.png') })
  })
})
