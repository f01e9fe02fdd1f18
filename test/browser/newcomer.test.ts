/** What the editor does for its user before the first choice: preselected accounts and transports, files to choose from, one's own language. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { type FlowNode, startNodeRed } from '../support/node-red-process.js'
import { ObligingPeer } from '../support/obliging-peer.js'
import { repoPath } from '../support/repo.js'
import {
  closeDialog,
  type Editor,
  openConfigDialog,
  openDialog,
  openEditor,
  pressDeploy,
  showTab,
  validationErrors,
} from './support/editor.js'
import { idOf, oneOfEach } from './support/flows.js'
import { dragFromPalette } from './support/hand.js'
import { pictureFile, runNodeRedAndBrowser } from './support/running.js'

const EMPTY = { id: 'empty', type: 'tab', label: 'Empty' }

describe('a newcomer', function () {
  this.timeout(120_000)
  let editor: Editor
  let page: Page

  // As `npm start` has it.
  const running = runNodeRedAndBrowser(() => startNodeRed({ settings: { paletteCategories: ['telephony', 'common'] } }))

  async function begin(flow: FlowNode[], tab: string, locale = 'en-US'): Promise<void> {
    await running.nodeRed.deploy(flow)
    editor = await openEditor(running.browser, running.nodeRed.url, { locale })
    page = editor.page
    await showTab(page, tab)
  }
  afterEach(async () => {
    assert.deepEqual(editor.errors, [])
    await editor.close()
  })

  it('finds an existing account in a node that was just dropped', async () => {
    await begin([...(await oneOfEach()), EMPTY], EMPTY.id)
    for (const [index, type] of (['sip-dial', 'sip-register'] as const).entries()) {
      const id = await dragFromPalette(page, type, { x: 200, y: 100 + 80 * index })
      assert.deepEqual(await validationErrors(page, id), [], type)
      await openDialog(page, id)
      assert.equal(await page.locator('#node-input-account').inputValue(), idOf('sip-account'))
      await closeDialog(page, 'ok')
    }
  })

  it('finds the account that the other nodes of the tab use, and for incoming calls one that is not taken', async () => {
    const flow = await oneOfEach()
    const account = flow.find(({ id }) => id === idOf('sip-account')) as FlowNode
    const bob = { ...account, id: 'bob', aor: 'bob@127.0.0.1' }
    const dial = { ...(flow.find(({ id }) => id === idOf('sip-dial')) as FlowNode), id: 'bobs', z: EMPTY.id }
    await begin([...flow, EMPTY, bob, { ...dial, account: bob.id }], EMPTY.id)
    for (const [type, expected] of [
      ['sip-dial', bob.id],
      ['sip-incoming', bob.id],
      ['sip-incoming', '_ADD_'],
    ] as const) {
      const id = await dragFromPalette(page, type, { x: 500, y: 200 })
      await openDialog(page, id)
      assert.equal(await page.locator('#node-input-account').inputValue(), expected, type)
      await closeDialog(page, 'ok')
    }
  })

  it('needs no transport: a new account says "automatic", and is valid', async () => {
    await begin([EMPTY], EMPTY.id)
    const dial = await dragFromPalette(page, 'sip-dial', { x: 200, y: 100 })
    await openDialog(page, dial)
    await openConfigDialog(page, '#node-input-btn-account-add', 'aor')
    const transport = page.locator('#node-config-input-transport')
    assert.equal(await transport.locator('option:checked').textContent(), 'automatic')
    await page.fill('#node-config-input-aor', 'alice@127.0.0.1')
    await page.locator('#node-config-input-register').uncheck()
    await closeDialog(page, 'ok', 'node-config', 'aor')
    const account = await page.locator('#node-input-account').inputValue()
    await closeDialog(page, 'ok')
    assert.deepEqual(await validationErrors(page, account), [])
    assert.deepEqual(await validationErrors(page, dial), [])
    await pressDeploy(page)
    assert.equal((await running.nodeRed.flow()).find(({ id }) => id === account)?.transport, '')
  })

  it('finds an existing transport in a new account, and may still choose "automatic"', async () => {
    const flow = await oneOfEach()
    await begin(flow, flow[0]?.id ?? '')
    await openDialog(page, idOf('sip-dial'))
    await openConfigDialog(page, '#node-input-btn-account-add', 'aor')
    const transport = page.locator('#node-config-input-transport')
    assert.equal(await transport.inputValue(), idOf('sip-transport'))
    await transport.selectOption({ label: 'automatic' })
    await closeDialog(page, 'cancel', 'node-config', 'aor')
    await openConfigDialog(page, '#node-input-btn-account-edit', 'aor')
    await transport.selectOption({ label: 'automatic' })
    await closeDialog(page, 'ok', 'node-config', 'aor')
    await openConfigDialog(page, '#node-input-btn-account-edit', 'aor')
    assert.equal(await transport.locator('option:checked').textContent(), 'automatic')
    await closeDialog(page, 'cancel', 'node-config', 'aor')
    await closeDialog(page, 'ok')
    assert.deepEqual(await validationErrors(page, idOf('sip-account')), [])
  })

  it('reads what a node without an account does', async () => {
    const flow = await oneOfEach()
    await begin(flow, flow[0]?.id ?? '')
    for (const type of ['sip-event', 'sip-cdr-out']) {
      await openDialog(page, idOf(type))
      await page.locator('#node-input-account').selectOption({ label: 'all accounts' })
      await closeDialog(page, 'ok')
      assert.deepEqual(await validationErrors(page, idOf(type)), [], type)
    }
  })

  for (const [type, property] of [
    ['sip-play-media', 'file'],
    ['sip-gather', 'prompt'],
  ] as const) {
    it(`${type}: reads where its files lie and what there is, and chooses one by a click`, async () => {
      const folder = join(running.nodeRed.userDir, 'ringflow', 'media', 'greetings')
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'hello.wav'), '')
      const flow = await oneOfEach()
      await begin(flow, flow[0]?.id ?? '')
      await openDialog(page, idOf(type))
      const list = page.locator(`#node-input-${property}-list`)
      const folders = await list.locator('.ringflow-files-folder').allTextContents()
      assert.deepEqual(folders, [join(running.nodeRed.userDir, 'ringflow', 'media'), repoPath('examples', 'media')])
      assert.ok((await list.locator('.ringflow-file').allTextContents()).includes('thanks.wav'))
      await page.screenshot({ path: pictureFile(`${type}-files.png`) })
      await list.locator('.ringflow-file', { hasText: 'greetings/hello.wav' }).click()
      await closeDialog(page, 'ok')
      await pressDeploy(page)
      const node = (await running.nodeRed.flow()).find(({ id }) => id === idOf(type))
      assert.deepEqual([node?.[property], node?.[`${property}Type`]], ['greetings/hello.wav', 'str'])
    })
  }

  for (const [locale, registered] of [
    ['en-US', 'registered'],
    ['zh-CN', '已注册'],
  ] as const) {
    it(`${locale}: sees below the dial node that its account is registered, as the README says`, async () => {
      const peer = await ObligingPeer.listen()
      try {
        const flow = (await oneOfEach()).map((node) =>
          node.type === 'sip-account' ? { ...node, aor: `alice@127.0.0.1:${peer.port}`, register: true } : node,
        )
        await begin(flow, flow[0]?.id ?? '', locale)
        const status = page.locator(
          `#red-ui-workspace-chart g[id="${idOf('sip-dial')}"] .red-ui-flow-node-status-group`,
        )
        await status.filter({ hasText: registered }).waitFor()
        await status.locator('.red-ui-flow-node-status-dot-green').waitFor()
      } finally {
        await running.nodeRed.deploy([EMPTY])
        await peer.close()
      }
    })
  }

  it('who reads Chinese sees the palette and the statuses in Chinese', async () => {
    const flow = await oneOfEach()
    await begin(flow, flow[0]?.id ?? '', 'zh-CN')
    assert.equal(await page.locator('#red-ui-palette-header-telephony span').textContent(), '电话')
    const status = page.locator(
      `#red-ui-workspace-chart g[id="${idOf('sip-incoming')}"] .red-ui-flow-node-status-label`,
    )
    await status.filter({ hasText: /^\p{Script=Han}+$/u }).waitFor()
  })
})
