/** A flow built as a user builds it: nodes dragged from the palette, wires drawn, dialogs filled, deployed, rung, and heard. */
import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { STATUS_TEXT } from '../../nodes/shared/status.js'
import { measureTone } from '../support/audio.js'
import { debugNode, Stage } from '../support/examples.js'
import type { FlowNode } from '../support/node-red-process.js'
import {
  closeDialog,
  type Editor,
  launchBrowser,
  openConfigDialog,
  openDialog,
  openEditor,
  pressDeploy,
  showTab,
} from './support/editor.js'
import { dragFromPalette, drawWire, setTyped } from './support/hand.js'
import { pictureFile, readmePictureFile } from './support/running.js'

const TONE_HZ = 880
const CALL_MS = 20_000
const MINE = 'mine'

describe('a flow built by hand', function () {
  this.timeout(120_000)
  let stage: Stage
  let browser: Browser
  let editor: Editor
  let page: Page
  const ids: Record<string, string> = {}

  before(async () => {
    stage = await Stage.start()
    await stage.deploy([{ id: MINE, type: 'tab', label: 'My first call' }], callee())
    await stage.listen('heard')
    browser = await launchBrowser()
    editor = await openEditor(browser, stage.nodeRed.url, { width: 1600, height: 800 })
    page = editor.page
    await showTab(page, MINE)
  })
  after(async () => {
    await browser?.close()
    await stage?.close()
  })
  afterEach(async function () {
    assert.deepEqual(editor.errors.splice(0), [])
    if (this.currentTest?.state === 'failed') await page.screenshot({ path: pictureFile('build-failed.png') })
  })

  /** A telephone on another tab, which answers and records the call. */
  function callee(): FlowNode[] {
    const at = { z: 'people', x: 100, y: 100 }
    return [
      ...stage.people({ bob: null }),
      { ...at, id: 'incoming', type: 'sip-incoming', account: 'bob', mode: 'answer', wires: [['record'], []] },
      { ...at, id: 'record', type: 'sip-record', max: '60', wires: [[], ['heard']] },
      debugNode('heard', 'people', 'payload'),
    ]
  }

  it('nodes are dragged from the palette onto the tab', async () => {
    for (const [type, x, y] of [
      ['inject', 120, 140],
      ['sip-dial', 300, 140],
      ['sip-play-media', 500, 120],
      ['sip-hangup', 700, 120],
      ['debug', 500, 220],
    ] as const) {
      ids[type] = await dragFromPalette(page, type, { x, y })
    }
    assert.equal(new Set(Object.values(ids)).size, 5)
  })

  it('wires are drawn from port to port', async () => {
    const wire = (from: string, port: number, to: string) =>
      drawWire(page, { id: ids[from] ?? '', port }, ids[to] ?? '')
    await wire('inject', 1, 'sip-dial')
    await wire('sip-dial', 1, 'sip-play-media')
    await wire('sip-dial', 3, 'debug')
    await wire('sip-play-media', 1, 'sip-hangup')
    assert.equal(await page.locator('#red-ui-workspace-chart .red-ui-flow-link-line').count(), 4)
  })

  /** The account as the README describes it. */
  async function picture(name: string, settings: Record<string, string>): Promise<void> {
    for (const [setting, value] of Object.entries(settings)) await page.fill(`#node-config-input-${setting}`, value)
    await page.locator('#node-config-input-transport').selectOption({ label: 'automatic' })
    await page.screenshot({ path: readmePictureFile(`${name}.png`), clip: await tray(page) })
  }

  it('the dialogs are filled: target, account, transport', async () => {
    await openDialog(page, ids['sip-dial'] ?? '')
    await page.fill('#node-input-name', 'call Bob')
    await setTyped(page, 'target', 'str', stage.address('bob'))
    await openConfigDialog(page, '#node-input-btn-account-add', 'aor')
    await picture('account-dialog', { name: 'PBX', aor: '1001@pbx.local', password: 'secret' })
    await page.fill('#node-config-input-name', 'Alice')
    await page.fill('#node-config-input-aor', 'alice@127.0.0.1')
    await page.fill('#node-config-input-password', '')
    await page.locator('#node-config-input-register').uncheck()
    await openConfigDialog(page, '#node-config-input-btn-transport-add', 'udpPort')
    await page.fill('#node-config-input-bindAddress', '127.0.0.1')
    await page.fill('#node-config-input-udpPort', '0')
    await closeDialog(page, 'ok', 'node-config', 'udpPort')
    await closeDialog(page, 'ok', 'node-config', 'aor')
    await page.screenshot({ path: readmePictureFile('dial-dialog.png'), clip: await tray(page) })
    await closeDialog(page, 'ok')
    await openDialog(page, ids['sip-play-media'] ?? '')
    await page.locator('#node-input-source').selectOption('tone')
    await page.fill('#node-input-hz', String(TONE_HZ))
    await page.fill('#node-input-duration', '2')
    await closeDialog(page, 'ok')
    assert.equal(await page.locator('.red-ui-flow-node-error').filter({ visible: true }).count(), 0)
  })

  it('deployed and rung: the statuses tell how it goes, and the other side has heard the tone', async () => {
    await pressDeploy(page)
    const status = (type: string, text: string | RegExp) =>
      page
        .locator(`#red-ui-workspace-chart g[id="${ids[type]}"] .red-ui-flow-node-status-label`, { hasText: text })
        .waitFor({ state: 'visible', timeout: CALL_MS })
    await page.locator(`g[id="${ids.inject}"] .red-ui-flow-node-button-button`).click()
    await status('sip-play-media', STATUS_TEXT.playing)
    await status('sip-dial', /^ended 0:0\d$/)
    const { share, soundMs } = measureTone(await stage.shown<string>('heard'), TONE_HZ)
    console.log(
      `flow built by hand: ${(share * 100).toFixed(1)} % of the power heard is the tone (promise: 95), ${Math.round(soundMs)} ms`,
    )
    assert.ok(share >= 0.95 && soundMs >= 1_900)
  })

  it('what was stored has all settings of this version', async () => {
    const flow = await stage.nodeRed.flow()
    const dial = flow.find(({ id }) => id === ids['sip-dial'])
    assert.equal(dial?.target, stage.address('bob'))
    const account = flow.find(({ id }) => id === dial?.account)
    assert.deepEqual(
      [account?.aor, account?.register, account?.version],
      ['alice@127.0.0.1', false, account?.version ?? 1],
    )
  })
})

/** The position of the topmost dialog. */
async function tray(page: Page): Promise<{ x: number; y: number; width: number; height: number }> {
  return (await page.locator('.red-ui-tray').last().boundingBox()) ?? assert.fail('no dialog')
}
