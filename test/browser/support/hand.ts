/** What a user's mouse does on the tab. */
import assert from 'node:assert/strict'
import type { Locator, Page } from 'playwright-core'

interface EditorGlobals {
  RED: { nodes: { filterNodes(filter: { type: string }): { id: string }[] } }
}

/** Drags a type's entry onto the tab; gives the id of the node that appeared. The place is counted from the canvas' corner. */
export async function dragFromPalette(page: Page, type: string, place: { x: number; y: number }): Promise<string> {
  const before = await idsOf(page, type)
  const entry = page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`)
  await entry.scrollIntoViewIfNeeded()
  const canvas = await boxOf(page.locator('#red-ui-workspace-chart'))
  await drag(page, entry, { x: canvas.x + place.x, y: canvas.y + place.y })
  for (;;) {
    const added = (await idsOf(page, type)).find((id) => !before.includes(id))
    if (added) return added
    await page.waitForTimeout(20)
  }
}

/** From an output, counted from 1, to the input of another node. */
export async function drawWire(page: Page, from: { id: string; port: number }, to: string): Promise<void> {
  const links = page.locator('#red-ui-workspace-chart .red-ui-flow-link-line')
  const before = await links.count()
  const node = (id: string) => page.locator(`#red-ui-workspace-chart g[id="${id}"]`)
  const output = node(from.id)
    .locator('.red-ui-flow-port-output .red-ui-flow-port')
    .nth(from.port - 1)
  const input = await boxOf(node(to).locator('.red-ui-flow-port-input .red-ui-flow-port'))
  await drag(page, output, { x: input.x + input.width / 2, y: input.y + input.height / 2 })
  await links.nth(before).waitFor({ state: 'attached' })
}

/** Chooses the type of a typed input from its menu and writes the value. */
export async function setTyped(page: Page, property: string, type: string, value: string): Promise<void> {
  const field = page.locator(`.red-ui-typedInput-container:has(+ #node-input-${property}Type)`)
  await field.locator('.red-ui-typedInput-type-select').click()
  await page.locator(`.red-ui-typedInput-options:visible a[value="${type}"]`).click()
  await field.locator('input.red-ui-typedInput-input').fill(value)
}

async function drag(page: Page, from: Locator, to: { x: number; y: number }): Promise<void> {
  const { x, y, width, height } = await boxOf(from)
  await page.mouse.move(x + width / 2, y + height / 2)
  await page.mouse.down()
  await page.mouse.move(to.x - 20, to.y - 10, { steps: 5 })
  await page.mouse.move(to.x, to.y, { steps: 5 })
  await page.mouse.up()
}

const boxOf = async (locator: Locator) => (await locator.boundingBox()) ?? assert.fail('it is not on the page')

const idsOf = (page: Page, type: string): Promise<string[]> =>
  page.evaluate((name) => {
    const { RED } = globalThis as unknown as EditorGlobals
    return RED.nodes.filterNodes({ type: name }).map(({ id }) => id)
  }, type)
