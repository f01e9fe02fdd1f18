import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Browser } from 'playwright-core'
import { STATUS_TEXT } from '../../nodes/shared/status.js'
import { type RunningNodeRed, startNodeRed } from '../support/node-red-process.js'
import { repoPath } from '../support/repo.js'
import { type Editor, invoke, launchBrowser, openEditor, showTab } from './support/editor.js'
import { demoFlow } from './support/flows.js'

/** What the README shows: the call while the message is being played. RINGFLOW_UPDATE_IMAGES=1 renews it. */
const PICTURE = process.env.RINGFLOW_UPDATE_IMAGES
  ? repoPath('docs', 'images', 'demo-flow.png')
  : repoPath('.cache', 'browser', 'demo-flow.png')

const CALL_MS = 30_000

describe('the demo call in the editor', function () {
  this.timeout(120_000)
  let nodeRed: RunningNodeRed
  let browser: Browser
  let editor: Editor

  before(async () => {
    mkdirSync(dirname(PICTURE), { recursive: true })
    nodeRed = await startNodeRed()
    await nodeRed.deploy(await demoFlow())
    browser = await launchBrowser()
    editor = await openEditor(browser, nodeRed.url, { width: 1440, height: 640 })
  })
  after(async () => {
    await browser?.close()
    await nodeRed?.close()
  })

  it('fits a usual window: no node is out of sight', async () => {
    const { page } = editor
    const room = await page.locator('#red-ui-workspace-chart').boundingBox()
    for (const tab of ['ringflow-demo-callee', 'ringflow-demo-caller']) {
      await showTab(page, tab)
      const nodes = page.locator('#red-ui-workspace-chart .red-ui-flow-node')
      await nodes.first().waitFor()
      for (const node of await nodes.all()) {
        const box = await node.boundingBox()
        assert.ok(
          room && box && box.x >= room.x && box.x + box.width <= room.x + room.width,
          (await node.textContent()) ?? '',
        )
      }
    }
  })

  it('is rung by the button, shows its progress under the nodes, and both records in the sidebar', async () => {
    const { page, errors } = editor
    const status = (id: string, text: string) =>
      page
        .locator(`#red-ui-workspace-chart g[id="ringflow-demo-${id}"] .red-ui-flow-node-status-label`, {
          hasText: text,
        })
        .waitFor({ state: 'visible', timeout: CALL_MS })
    const shownBy = (name: string) =>
      page.locator('.red-ui-debug-msg', { has: page.locator('.red-ui-debug-msg-name', { hasText: name }) })
    // "Successfully injected" would lie over the picture, and the rest only makes it larger.
    await page.addStyleTag({
      content: '#red-ui-notifications, .red-ui-workspace-chart-grid, .red-ui-debug-msg-date { display: none }',
    })
    await page.locator('#red-ui-palette-container-telephony').scrollIntoViewIfNeeded()
    await showTab(page, 'ringflow-demo-caller')
    await invoke(page, 'core:show-debug-tab')
    await page.locator('g[id="ringflow-demo-ring"] .red-ui-flow-node-button-button').click()
    await status('message', STATUS_TEXT.playing)
    await status('dial', STATUS_TEXT.inCall)
    await shownBy('events').nth(5).waitFor({ timeout: CALL_MS })
    await page.screenshot({ path: PICTURE })
    await status('gather', STATUS_TEXT.gathering)
    await status('dial', STATUS_TEXT.ended)
    await shownBy('CDR').nth(1).waitFor({ timeout: CALL_MS })
    await shownBy('recordings').nth(1).waitFor({ timeout: CALL_MS })
    assert.deepEqual(errors, [])
  })
})
