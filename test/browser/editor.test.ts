import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { PACK, startNodeRed } from '../support/node-red-process.js'
import {
  closeDialog,
  type Editor,
  importExample,
  openConfigDialog,
  openDialog,
  openEditor,
  pressDeploy,
  showHelp,
  showTab,
  validationErrors,
} from './support/editor.js'
import { FLOW_TYPES, idOf, oneOfEach, TYPES } from './support/flows.js'
import { pictureFile, runNodeRedAndBrowser } from './support/running.js'

/** Node-RED widens a tray for a form that asks for more. */
const USUAL_TRAY_PX = 500

/** The first words of a type's help, and its name in the palette. */
const NAMES = {
  'sip-account': ['account', '账户'],
  'sip-answer': ['answer', '应答'],
  'sip-cdr-out': ['CDR', '话单'],
  'sip-dial': ['dial', '呼叫'],
  'sip-dtmf': ['dtmf', '按键'],
  'sip-hold': ['hold', '保持'],
  'sip-event': ['event', '事件'],
  'sip-gather': ['gather', '收号'],
  'sip-hangup': ['hangup', '挂断'],
  'sip-incoming': ['incoming', '来电'],
  'sip-play-media': ['play', '播放'],
  'sip-proxy': ['proxy', '代理'],
  'sip-record': ['record', '录音'],
  'sip-register': ['register', '注册'],
  'sip-transfer': ['transfer', '转接'],
  'sip-transport': ['transport', '传输'],
  'sip-wait': ['wait', '等待'],
} as const

const nameOf = (type: string, language: 0 | 1): string => NAMES[type as keyof typeof NAMES][language]

describe('the editor', function () {
  this.timeout(120_000)
  let editor: Editor
  let page: Page

  const running = runNodeRedAndBrowser(async () => {
    const started = await startNodeRed()
    await started.deploy(await oneOfEach())
    return started
  })
  afterEach(async function () {
    if (this.currentTest?.state === 'failed' && page && !page.isClosed()) {
      await page.screenshot({ path: pictureFile('failed.png') })
    }
  })

  describe('in English', () => {
    before(async () => {
      editor = await openEditor(running.browser, running.nodeRed.url)
      page = editor.page
    })
    after(() => editor.close())
    afterEach(() => assert.deepEqual(editor.errors.splice(0), []))

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
      await page
        .locator('#node-config-input-codecs-list .ringflow-tick', { hasText: 'PCMA' })
        .locator('input')
        .uncheck()
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

    it('events that are ticked are kept', async () => {
      await openDialog(page, idOf('sip-event'))
      for (const name of ['answered', 'key pressed']) {
        await page.locator('.ringflow-choices .ringflow-tick', { hasText: name }).locator('input').check()
      }
      await closeDialog(page, 'ok')
      await openDialog(page, idOf('sip-event'))
      const ticked = page.locator('.ringflow-choices .ringflow-tick:has(input:checked)')
      assert.deepEqual(await ticked.allTextContents(), ['answered', 'key pressed'])
      await closeDialog(page, 'cancel')
    })

    it('shows only what matters: file, tone or signal, or none of them', async () => {
      await openDialog(page, idOf('sip-play-media'))
      const shown = () => page.locator('.ringflow-form .form-row:visible > label span').allTextContents()
      const always = ['Name', 'Action', 'Call']
      const playing = ['Sound', 'Play', 'Output 1']
      assert.deepEqual((await shown()).toSorted(), [...always, ...playing, 'File', 'Gain'].toSorted())
      await page.locator('#node-input-source').selectOption('tone')
      assert.deepEqual((await shown()).toSorted(), [...always, ...playing, 'Frequency', 'Duration', 'Level'].toSorted())
      await page.locator('#node-input-source').selectOption('signal')
      const signal = ['Signal', 'Country', 'Duration', 'Level']
      assert.deepEqual((await shown()).toSorted(), [...always, ...playing, ...signal].toSorted())
      await page.locator('#node-input-action').selectOption('stop')
      assert.deepEqual((await shown()).toSorted(), always.toSorted())
      await closeDialog(page, 'cancel')
    })

    it('shows what each way to decide about a call needs', async () => {
      await openDialog(page, idOf('sip-answer'))
      const shown = () => page.locator('.ringflow-form .form-row:visible > label span').allTextContents()
      const always = ['Name', 'Action', 'Tags', 'Call']
      for (const [action, rows] of [
        ['answer', ['SIP headers']],
        ['ring', []],
        ['early', ['SIP headers']],
        ['reject', ['SIP status', 'Reason', 'SIP headers']],
        ['redirect', ['Redirect to', 'Reason']],
      ] as const) {
        await page.locator('#node-input-action').selectOption(action)
        assert.deepEqual((await shown()).toSorted(), [...always, ...rows].toSorted(), action)
      }
      await closeDialog(page, 'cancel')
    })

    it('says what is wrong while it is typed, and marks the node', async () => {
      await openDialog(page, idOf('sip-dial'))
      const ringFor = page.locator('#node-input-ringTimeout')
      await ringFor.fill('forever')
      await ringFor.dispatchEvent('change')
      assert.match((await ringFor.getAttribute('class')) ?? '', /input-error/)
      await ringFor.fill(`\${${'RING_SECONDS'}}`)
      await ringFor.dispatchEvent('change')
      assert.doesNotMatch((await ringFor.getAttribute('class')) ?? '', /input-error/)
      await page.locator('#node-input-account').selectOption('_ADD_')
      await closeDialog(page, 'ok')
      assert.match((await validationErrors(page, idOf('sip-dial'))).join(), /Account/)
      await openDialog(page, idOf('sip-play-media'))
      await page.locator('.red-ui-typedInput-container:has(+ #node-input-fileType) input').fill('../secret.wav')
      await closeDialog(page, 'ok')
      const [reason] = await validationErrors(page, idOf('sip-play-media'))
      assert.equal(reason, 'File: must be a file name, without “..”')
      assert.deepEqual(await validationErrors(page, idOf('sip-gather')), [])
    })

    it('a wrong port opens with its reason', async () => {
      await openDialog(page, idOf('sip-incoming'))
      await openConfigDialog(page, '#node-input-btn-account-edit', 'aor')
      await openConfigDialog(page, '#node-config-input-btn-transport-edit', 'udpPort')
      const port = page.locator('#node-config-input-udpPort')
      await port.fill('70000')
      await port.dispatchEvent('change')
      await port.hover()
      const reason = page.locator('.red-ui-popover', { hasText: 'UDP port: must be a port from 0 to 65535' })
      await reason.waitFor({ state: 'visible' })
      await closeDialog(page, 'cancel', 'node-config', 'udpPort')
      await closeDialog(page, 'cancel', 'node-config', 'aor')
      await closeDialog(page, 'cancel')
    })

    for (const type of TYPES) {
      it(`${type}: shows its help`, async () => {
        const help = await showHelp(page, type, nameOf(type, 0))
        assert.match(help, /Details/)
        assert.match(help, /References/)
        assert.doesNotMatch(help, /### |`/)
      })
    }
  })

  it('brings nodes of an older version up to date as it opens', async () => {
    const flow = await oneOfEach()
    const kept = [
      'id',
      'type',
      'z',
      'x',
      'y',
      'wires',
      'account',
      'transport',
      'aor',
      'hops',
      'file',
      'bindAddress',
      'udpPort',
    ]
    const old = flow.map((node) => {
      if (!node.type.startsWith('sip-')) return node
      return Object.fromEntries(Object.entries(node).filter(([name]) => kept.includes(name))) as typeof node
    })
    await running.nodeRed.deploy(old)
    editor = await openEditor(running.browser, running.nodeRed.url)
    page = editor.page
    for (const type of TYPES) assert.deepEqual(await validationErrors(page, idOf(type)), [], type)
    await openDialog(page, idOf('sip-dial'))
    await page.fill('#node-input-name', 'renewed')
    await closeDialog(page, 'ok')
    await pressDeploy(page)
    const stored = await running.nodeRed.flow()
    for (const { id, type, ...settings } of flow) {
      const now = stored.find((node) => node.id === id)
      for (const name of Object.keys(settings)) assert.ok(now && name in now, `${type}: ${name} is missing`)
    }
    assert.deepEqual(editor.errors, [])
    await editor.close()
    await running.nodeRed.deploy(flow)
  })

  it('imports the demo from the menu, and draws it', async () => {
    editor = await openEditor(running.browser, running.nodeRed.url)
    page = editor.page
    await importExample(page, PACK, 'Demo call', 'ringflow-demo-dial')
    await showTab(page, 'ringflow-demo-caller')
    await page.locator('#red-ui-workspace-chart g[id="ringflow-demo-dial"]').waitFor()
    await page.screenshot({ path: pictureFile('import.png') })
    const wrong = page.locator('.red-ui-flow-node-error')
    assert.equal(await wrong.filter({ visible: true }).count(), 0)
    assert.deepEqual(editor.errors, [])
    await editor.close()
  })

  it('speaks Chinese', async () => {
    editor = await openEditor(running.browser, running.nodeRed.url, { locale: 'zh-CN' })
    page = editor.page
    const palette = page.locator('#red-ui-palette-container-telephony')
    assert.equal(await palette.locator('.red-ui-palette-header span').textContent(), '电话')
    assert.deepEqual(
      (await palette.locator('.red-ui-palette-label').allTextContents()).toSorted(),
      FLOW_TYPES.map((type) => nameOf(type, 1)).toSorted(),
    )
    await openDialog(page, idOf('sip-gather'))
    await assertTidy(page, '#dialog-form')
    const labels = await page.locator('.ringflow-form .form-row:visible > label span').allTextContents()
    for (const label of labels) assert.match(label, /^\p{Script=Han}+$/u)
    await closeDialog(page, 'cancel')
    assert.match(await showHelp(page, 'sip-dial', '呼叫'), /发起呼叫/)
    await page.screenshot({ path: pictureFile('zh-CN.png') })
    assert.deepEqual(editor.errors, [])
    await editor.close()
  })
})

/** Checks that no element overflows to the right and that no catalogue key is shown instead of words. */
async function assertTidy(page: Page, form: string): Promise<void> {
  const place = page.locator(form).last()
  const { scrollWidth, clientWidth } = await place.evaluate((element) => {
    const { scrollWidth, clientWidth } = element as unknown as { scrollWidth: number; clientWidth: number }
    return { scrollWidth, clientWidth }
  })
  assert.ok(scrollWidth <= clientWidth, `${scrollWidth} px in a form of ${clientWidth} px`)
  assert.ok(clientWidth <= USUAL_TRAY_PX, `the form made its tray ${clientWidth} px wide`)
  const texts = await place.locator('.ringflow-form :is(span, div, option, summary, label)').allTextContents()
  for (const text of texts) assert.doesNotMatch(text, /^\s*(label|hint|option|unit|title|group|event)\.\w/)
}
