/** What the tests of the forms share: how the nodes are called, and when a form is tidy. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'

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
  'sip-message': ['message', '短信'],
  'sip-options': ['ping', '探测'],
  'sip-subscribe': ['subscribe', '订阅'],
  'sip-transfer': ['transfer', '转接'],
  'sip-transport': ['transport', '传输'],
  'sip-wait': ['wait', '等待'],
} as const

export const nameOf = (type: string, language: 0 | 1): string => NAMES[type as keyof typeof NAMES][language]

/** Checks that no element overflows to the right and that no catalogue key is shown instead of words. */
export async function assertTidy(page: Page, form: string): Promise<void> {
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
