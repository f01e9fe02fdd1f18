import assert from 'node:assert/strict'
import { STATUS_TEXT } from '../../nodes/shared/status.js'
import { startNodeRed } from '../support/node-red-process.js'
import { darken, type Editor, hasDarkTheme, invoke, openEditor, showTab } from './support/editor.js'
import { demoFlow } from './support/flows.js'
import { readmePictureFile, runNodeRedAndBrowser } from './support/running.js'

/** The call while the message is being played. */
const PICTURE = readmePictureFile('demo-flow.png')

const CALL_MS = 30_000
/** WCAG 2.1, 1.4.3: contrast of text. The fill of the groups takes a little away from it. */
const LEAST_CONTRAST = 6

/** The editor has drawn a tab by then. */
const DRAWN_MS = 10_000

/** Resolves when the page has drawn once more; runs in the browser. */
const requestFrame = (): Promise<void> => new Promise((drawn) => requestAnimationFrame(() => drawn()))

describe('the demo call in the editor', function () {
  this.timeout(120_000)
  let editor: Editor

  const running = runNodeRedAndBrowser(async () => {
    const started = await startNodeRed()
    await started.deploy(await demoFlow())
    return started
  })
  before(async () => {
    editor = await openEditor(running.browser, running.nodeRed.url, { width: 1440, height: 640 })
  })

  it('fits a usual window: no node is out of sight', async () => {
    const { page } = editor
    const room = await page.locator('#red-ui-workspace-chart').boundingBox()
    for (const tab of ['ringflow-demo-callee', 'ringflow-demo-caller']) {
      await showTab(page, tab)
      const nodes = page.locator('#red-ui-workspace-chart .red-ui-flow-node')
      await nodes.first().waitFor()
      /** While the editor still draws the tab, a node has no place yet. */
      const outOfSight = async (): Promise<string[]> => {
        const names: string[] = []
        for (const node of await nodes.all()) {
          const box = await node.boundingBox()
          const isIn = room && box && box.x >= room.x && box.x + box.width <= room.x + room.width
          if (!isIn) names.push((await node.textContent()) ?? '')
        }
        return names
      }
      const until = Date.now() + DRAWN_MS
      while (Date.now() < until && (await outOfSight()).length > 0) await page.evaluate(requestFrame)
      assert.deepEqual(await outOfSight(), [], tab)
    }
  })

  it('has titles of groups that stand out, in the dark theme as well where there is one', async () => {
    const { page } = editor
    for (const theme of (await hasDarkTheme(page)) ? ['light', 'dark'] : ['light']) {
      if (theme === 'dark') await darken(page)
      const titles = await page.locator('#red-ui-workspace-chart .red-ui-flow-group-label').evaluateAll(contrasts)
      assert.ok(titles.length >= 2)
      for (const { text, contrast } of titles) assert.ok(contrast >= LEAST_CONTRAST, `${theme}: ${text} ${contrast}`)
    }
    await page.reload()
    await page.locator('.red-ui-flow-node').first().waitFor()
  })

  it('is rung by the button, shows its progress under the nodes, and Alice’s side of it in the sidebar', async () => {
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
    await shownBy('Alice’s event').nth(2).waitFor({ timeout: CALL_MS })
    await page.screenshot({ path: PICTURE })
    await status('gather', STATUS_TEXT.gathering)
    await status('dial', STATUS_TEXT.ended)
    await shownBy('Alice’s CDR').waitFor({ timeout: CALL_MS })
    await shownBy('Alice’s recording').waitFor({ timeout: CALL_MS })
    assert.equal(await shownBy('Bob').count(), 0)
    assert.deepEqual(errors, [])
  })
})

interface Drawn {
  readonly textContent: string
}

/** Runs in the page: of texts, against what the canvas is painted with. */
function contrasts(labels: unknown[]): { text: string; contrast: number }[] {
  const { document, getComputedStyle } = globalThis as unknown as {
    document: { querySelector(selector: string): Drawn }
    getComputedStyle(element: Drawn): { fill: string }
  }
  const light = (element: Drawn) => {
    const numbers = (getComputedStyle(element).fill.match(/[\d.]+/g) ?? []).map(Number)
    const [r = 0, g = 0, b = 0] = numbers.map((value) => {
      const share = value / 255
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = light(document.querySelector('.red-ui-workspace-chart-background'))
  return (labels as Drawn[]).map((label) => {
    const [a, b] = [light(label), behind]
    return { text: label.textContent, contrast: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) }
  })
}
