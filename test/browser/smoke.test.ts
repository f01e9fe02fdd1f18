/** The little that also runs in the oldest Node-RED at each `npm test`: the palette, the form of each node, a deploy. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { startNodeRed } from '../support/node-red-process.js'
import { closeDialog, type Editor, openConfigDialog, openDialog, openEditor, pressDeploy } from './support/editor.js'
import { FLOW_TYPES, idOf, oneOfEach } from './support/flows.js'
import { assertTidy, nameOf } from './support/forms.js'
import { pictureFile, runNodeRedAndBrowser } from './support/running.js'

describe('the nodes in the editor', function () {
  this.timeout(120_000)
  let editor: Editor
  let page: Page

  const running = runNodeRedAndBrowser(async () => {
    const started = await startNodeRed()
    await started.deploy(await oneOfEach())
    return started
  })
  before(async () => {
    editor = await openEditor(running.browser, running.nodeRed.url)
    page = editor.page
  })
  after(() => editor.close())
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await page?.screenshot({ path: pictureFile('smoke-failed.png') })
    assert.deepEqual(editor.errors.splice(0), [])
  })

  it('loads every node of the pack without an error', async () => {
    const palette = await page.locator('#red-ui-palette-container-telephony .red-ui-palette-label').allTextContents()
    assert.deepEqual(palette.toSorted(), FLOW_TYPES.map((type) => nameOf(type, 0)).toSorted())
    assert.deepEqual(await running.nodeRed.loadErrors(), [])
  })

  for (const type of FLOW_TYPES) {
    it(`${type}: its dialog opens, fits its tray, and takes a name`, async () => {
      await openDialog(page, idOf(type))
      await assertTidy(page, '#dialog-form')
      await page.fill('#node-input-name', `my ${type}`)
      await closeDialog(page, 'ok')
      const label = page.locator(`#red-ui-workspace-chart g[id="${idOf(type)}"] .red-ui-flow-node-label`)
      assert.equal((await label.allTextContents()).join(' '), `my ${type}`)
    })
  }

  it('the configuration dialogs open, fit, and keep what was changed', async () => {
    await openDialog(page, idOf('sip-dial'))
    await openConfigDialog(page, '#node-input-btn-account-edit', 'aor')
    await assertTidy(page, '#node-config-dialog-edit-form')
    await page.locator('#node-config-input-codecs-list .ringflow-tick', { hasText: 'PCMA' }).locator('input').uncheck()
    await page.fill('#node-config-input-password', 'top secret')
    await openConfigDialog(page, '#node-config-input-btn-transport-edit', 'udpPort')
    await assertTidy(page, '#node-config-dialog-edit-form')
    const rows = page.locator('.ringflow-form:has(#node-config-input-udpPort) .form-row:visible > label')
    const before = (await rows.allTextContents()).map((text) => text.trim())
    assert.deepEqual(before, ['Name', 'Local address', 'UDP port'], 'the rest is folded')
    await page.locator('summary', { hasText: 'Encryption' }).click()
    const warning = page.getByText('Anyone on the way can pretend to be the server')
    assert.equal(await warning.isVisible(), false)
    await page.locator('#node-config-input-tlsVerify').selectOption('off')
    await warning.waitFor({ state: 'visible' })
    assert.equal(await page.locator('#node-config-input-tlsWildcards').isVisible(), false)
    await assertTidy(page, '#node-config-dialog-edit-form')
    await closeDialog(page, 'cancel', 'node-config', 'udpPort')
    await page.locator('#node-config-input-proxy').selectOption(idOf('sip-proxy'))
    await openConfigDialog(page, '#node-config-input-btn-proxy-edit', 'hops-list')
    await page.locator('.red-ui-editableList-addButton').last().click()
    await page.locator('#node-config-input-hops-list input[type=text]').last().fill('sip:127.0.0.1:5998')
    await page.locator('#node-config-input-hops-list input[type=checkbox]').last().check()
    await assertTidy(page, '#node-config-dialog-edit-form')
    await closeDialog(page, 'ok', 'node-config', 'hops-list')
    await closeDialog(page, 'ok', 'node-config', 'aor')
    await closeDialog(page, 'ok')
    await pressDeploy(page)
    const flow = await running.nodeRed.flow()
    const [account, proxy] = ['sip-account', 'sip-proxy'].map((type) => flow.find((node) => node.type === type))
    assert.deepEqual(account?.codecs, ['PCMU'])
    assert.equal(account?.proxy, idOf('sip-proxy'))
    assert.deepEqual(proxy?.hops, ['sip:127.0.0.1:5999;lr', 'sip:127.0.0.1:5998;strict'])
    assert.doesNotMatch(JSON.stringify(flow), /top secret/)
  })
})
