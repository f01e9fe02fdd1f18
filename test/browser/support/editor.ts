/** The editor in Chromium, driven the way a person does. */
import { type Browser, chromium, type Page } from 'playwright-core'

const CHROMIUM = process.env.RINGFLOW_TEST_CHROMIUM ?? '/usr/bin/chromium'

/** Code that runs in the page: only the few calls of Node-RED's editor API that a click cannot replace. */
interface EditorGlobals {
  RED: {
    nodes: { node(id: string): { valid?: boolean; validationErrors?: string[] } | null }
    sidebar: { help: { show(type: string): void } }
    actions: { invoke(action: string): void }
    workspaces: { show(id: string): void }
  }
}

export interface Editor {
  readonly page: Page
  /** Console errors, exceptions, failed requests. */
  readonly errors: string[]
  close(): Promise<void>
}

export async function launchBrowser(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', ...args],
  })
}

export interface Look {
  locale: string
  width: number
  height: number
}

export async function openEditor(browser: Browser, url: string, look: Partial<Look> = {}): Promise<Editor> {
  const { locale = 'en-US', width = 1440, height = 900 } = look
  const context = await browser.newContext({ viewport: { width, height }, locale })
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(`exception: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' || /error/i.test(message.text())) errors.push(`console: ${message.text()}`)
  })
  page.on('requestfailed', (request) => errors.push(`request failed: ${request.url()}`))
  page.on('response', (response) => {
    if (response.status() >= 400) errors.push(`${response.status()} ${response.url()}`)
  })
  await page.goto(url, { waitUntil: 'domcontentloaded' })
  await page.locator('#red-ui-palette-container-telephony .red-ui-palette-node').first().waitFor({ timeout: 60_000 })
  await page.locator('#red-ui-main-container').waitFor({ state: 'visible' })
  return { page, errors, close: () => context.close() }
}

export async function openDialog(page: Page, id: string): Promise<void> {
  const dialog = page.locator('.red-ui-tray #node-dialog-ok')
  for (let tries = 1; ; tries++) {
    await page.locator(`#red-ui-workspace-chart g[id="${id}"]`).dblclick()
    const opened = dialog.waitFor({ state: 'visible', timeout: 5_000 })
    if (
      await opened.then(
        () => true,
        () => false,
      )
    )
      break
    // Node-RED looks at the time between the two clicks, and a busy machine may stretch it.
    if (tries === 5) throw new Error(`the dialog of ${id} did not open`)
  }
  await traySettled(page)
}

/** Trays slide in, and slide back when the one above is gone: wait until the topmost has come to its place. */
export async function traySettled(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const { document, getComputedStyle } = globalThis as unknown as PageGlobals
    const last = [...document.querySelectorAll('.red-ui-tray')].at(-1)
    return !last || (getComputedStyle(last).right === '0px' && last.getAnimations().length === 0)
  })
}

interface Animated {
  getAnimations(): unknown[]
}

interface PageGlobals {
  document: { querySelectorAll(selector: string): Iterable<Animated> }
  getComputedStyle(element: Animated): { right: string }
}

/** `field`: a field of this dialog, which tells it apart from the dialogs below it. */
export async function openConfigDialog(page: Page, button: string, field: string): Promise<void> {
  await page.locator(button).click()
  await page.locator(`#node-config-input-${field}`).waitFor({ state: 'visible' })
  await traySettled(page)
}

export async function closeDialog(
  page: Page,
  button: 'ok' | 'cancel',
  kind: 'node' | 'node-config' = 'node',
  field = '',
): Promise<void> {
  await page.locator(`#${kind}-dialog-${button}`).last().click()
  const gone = field === '' ? `#${kind}-dialog-${button}` : `#node-config-input-${field}`
  await page.locator(gone).waitFor({ state: 'detached' })
  await traySettled(page)
}

/** Presses Deploy; resolves when the runtime has the flow. */
export async function pressDeploy(page: Page): Promise<void> {
  const saved = page.waitForResponse((response) => {
    return response.request().method() === 'POST' && new URL(response.url()).pathname === '/flows'
  })
  await page.locator('#red-ui-header-button-deploy').click()
  const status = (await saved).status()
  if (status !== 200 && status !== 204) throw new Error(`deploy: ${status}`)
}

/** The editor's complaints about a node; empty if it is valid. */
export function validationErrors(page: Page, id: string): Promise<string[]> {
  return page.evaluate((nodeId) => {
    const node = (globalThis as unknown as EditorGlobals).RED.nodes.node(nodeId)
    if (!node) throw new Error(`no node ${nodeId}`)
    return node.valid ? [] : (node.validationErrors ?? ['invalid'])
  }, id)
}

/** The text of the help that the sidebar shows for a type. */
export async function showHelp(page: Page, type: string, name: string): Promise<string> {
  await page.evaluate((nodeType) => (globalThis as unknown as EditorGlobals).RED.sidebar.help.show(nodeType), type)
  const help = page.locator('.red-ui-help', { has: page.locator('h1', { hasText: name }) })
  await help.waitFor({ state: 'visible' })
  return (await help.textContent()) ?? ''
}

/** Import → Examples → this pack → the example, as from the menu. `id`: a node of it. */
export async function importExample(page: Page, pack: string, name: string, id: string): Promise<void> {
  await invoke(page, 'core:show-examples-import-dialog')
  const dialog = page.locator('#red-ui-clipboard-dialog-import-tab-examples')
  await dialog.locator('.red-ui-treeList-label', { hasText: pack }).first().click()
  await dialog.locator('.red-ui-treeList-label', { hasText: name }).last().click()
  await page.locator('#red-ui-clipboard-dialog-ok').click()
  await dialog.waitFor({ state: 'hidden' })
  await page.waitForFunction((nodeId) => Boolean((globalThis as unknown as EditorGlobals).RED.nodes.node(nodeId)), id)
}

/** An entry of the editor's action list, by its name. */
export const invoke = (page: Page, action: string): Promise<void> =>
  page.evaluate((name) => (globalThis as unknown as EditorGlobals).RED.actions.invoke(name), action)

export const showTab = (page: Page, id: string): Promise<void> =>
  page.evaluate((tab) => (globalThis as unknown as EditorGlobals).RED.workspaces.show(tab), id)

/** Node-RED has a dark theme of its own since version 5. */
export const hasDarkTheme = (page: Page): Promise<boolean> =>
  page.evaluate(() => {
    const { RED } = globalThis as unknown as { RED: { settings: { version: string } } }
    return Number.parseInt(RED.settings.version, 10) >= 5
  })

/** As the setting in the editor's menu does. */
export const darken = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const { document } = globalThis as unknown as {
      document: { documentElement: { classList: { add(name: string): void } } }
    }
    document.documentElement.classList.add('nr-theme-dark')
  })
