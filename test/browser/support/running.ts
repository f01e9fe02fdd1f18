/** What the tests of the editor share: a Node-RED, a browser, and a place for pictures. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Browser } from 'playwright-core'
import type { RunningNodeRed } from '../../support/node-red-process.js'
import { repoPath } from '../../support/repo.js'
import { launchBrowser } from './editor.js'

export interface Running {
  nodeRed: RunningNodeRed
  browser: Browser
}

/** For the tests of a `describe`: its properties are there within tests and within later hooks, and closed at the end. */
export function runNodeRedAndBrowser(start: () => Promise<RunningNodeRed>): Running {
  const running: Partial<Running> = {}
  before(async () => {
    running.nodeRed = await start()
    running.browser = await launchBrowser()
  })
  after(async () => {
    await running.browser?.close()
    await running.nodeRed?.close()
  })
  return running as Running
}

/** Two versions of Node-RED are tested side by side: `npm test` names a folder for each. */
const FOLDER = process.env.RINGFLOW_TEST_PICTURES ?? ''

/** Where a test puts a picture of what it saw. */
export const pictureFile = (...names: string[]): string => fileIn(repoPath('.cache', 'browser', FOLDER, ...names))

/** Where a test puts a picture that the README shows: RINGFLOW_UPDATE_IMAGES=1 renews it. */
export const readmePictureFile = (name: string): string =>
  process.env.RINGFLOW_UPDATE_IMAGES ? fileIn(repoPath('docs', 'images', name)) : pictureFile(name)

function fileIn(path: string): string {
  mkdirSync(dirname(path), { recursive: true })
  return path
}
