/** Every dialog in other settings: dark theme, Chinese, a narrow tray. */
import assert from 'node:assert/strict'
import type { Locator, Page } from 'playwright-core'
import { LONG } from '../support/figures.js'
import { startNodeRed } from '../support/node-red-process.js'
import { closeDialog, darken, hasDarkTheme, openConfigDialog, openDialog, openEditor } from './support/editor.js'
import { FLOW_TYPES, idOf, oneOfEach } from './support/flows.js'
import { pictureFile, runNodeRedAndBrowser } from './support/running.js'

const ALL_LOOKS = [
  { name: 'English', locale: 'en-US', dark: false },
  { name: 'English, dark', locale: 'en-US', dark: true },
  { name: 'Chinese', locale: 'zh-CN', dark: false },
  { name: 'Chinese, dark', locale: 'zh-CN', dark: true },
]
/** Each language and each theme once; all four of them by RINGFLOW_LONG=1. */
const LOOKS = LONG ? ALL_LOOKS : ALL_LOOKS.slice(1, 3)

/** WCAG 2.1, 1.4.3 asks for 4.5; Node-RED's own hints in grey have less. */
const LEAST_CONTRAST = 3

describe('dialogs', function () {
  this.timeout(120_000)
  const running = runNodeRedAndBrowser(async () => {
    const started = await startNodeRed()
    await started.deploy(await oneOfEach())
    return started
  })

  for (const { name, locale, dark } of LOOKS) {
    it(`${name}: all are tidy and can be read`, async () => {
      const editor = await openEditor(running.browser, running.nodeRed.url, { locale })
      const { page } = editor
      if (dark && !(await hasDarkTheme(page))) return editor.close()
      if (dark) await darken(page)
      const look = (type: string) =>
        examine(page, page.locator('.red-ui-tray .ringflow-form').last(), `${type} ${name}`)
      for (const type of FLOW_TYPES) {
        await openDialog(page, idOf(type))
        await look(type)
        await closeDialog(page, 'cancel')
      }
      await openDialog(page, idOf('sip-dial'))
      await openConfigDialog(page, '#node-input-btn-account-edit', 'aor')
      await look('sip-account')
      await openConfigDialog(page, '#node-config-input-btn-transport-edit', 'udpPort')
      await look('sip-transport')
      assert.deepEqual(editor.errors, [])
      await editor.close()
    })
  }

  /** With every section open: nothing overflows a tray of 480 px, and text has enough contrast. */
  async function examine(page: Page, form: Locator, title: string): Promise<void> {
    await page.evaluate(() => {
      const { document } = globalThis as unknown as { document: { querySelectorAll(s: string): { open: boolean }[] } }
      for (const details of document.querySelectorAll('.ringflow-form details')) details.open = true
    })
    await page.screenshot({ path: pictureFile('looks', `${title.replace(/\W+/g, '-')}.png`) })
    const { out, faint } = await form.evaluate(look, { width: 440, least: LEAST_CONTRAST })
    assert.deepEqual(out, [], `${title}: in a narrow tray these stick out`)
    assert.deepEqual(faint, [], `${title}: these are hard to read`)
  }
})

interface PageElement {
  readonly clientWidth: number
  readonly textContent: string | null
  readonly parentElement: PageElement | null
  readonly childElementCount: number
  readonly style: { width: string }
  getBoundingClientRect(): { right: number; width: number; height: number }
  querySelectorAll(selector: string): Iterable<PageElement>
}

/** Runs in the page. */
function look(node: unknown, { width, least }: { width: number; least: number }): { out: string[]; faint: string[] } {
  const form = node as PageElement
  const { getComputedStyle } = globalThis as unknown as {
    getComputedStyle(element: PageElement): { color: string; backgroundColor: string }
  }
  const numbers = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number)
  const behind = (element: PageElement | null): number[] => {
    if (!element) return [255, 255, 255]
    const colour = numbers(getComputedStyle(element).backgroundColor)
    return (colour[3] ?? 1) > 0.5 ? colour : behind(element.parentElement)
  }
  const light = (colour: number[]) => {
    const [r = 0, g = 0, b = 0] = colour.map((value) => {
      const share = value / 255
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const contrast = (element: PageElement) => {
    const [a, b] = [light(numbers(getComputedStyle(element).color)), light(behind(element))]
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
  }
  const before = form.style.width
  form.style.width = `${width}px`
  const shown = [...form.querySelectorAll('*')].filter((element) => element.getBoundingClientRect().height > 0)
  const edge = form.getBoundingClientRect().right
  const words = shown.filter((element) => element.childElementCount === 0 && (element.textContent ?? '').trim() !== '')
  const text = (element: PageElement) => (element.textContent ?? '').trim().slice(0, 40)
  const result = {
    out: shown.filter((element) => element.getBoundingClientRect().right > edge + 1).map(text),
    faint: words.filter((element) => contrast(element) < least).map((e) => `${text(e)} ${contrast(e).toFixed(1)}`),
  }
  form.style.width = before
  return result
}
