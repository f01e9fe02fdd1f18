/** The checkout whose build is measured: this one, or that of `--checkout`. The bench and the peers are always our own. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { repoRoot } from '../test/support/repo.js'

/** In the environment, because the engine's process needs it too. */
const VARIABLE = 'RINGFLOW_BENCH_CHECKOUT'

export function setMeasuredCheckout(path: string): void {
  process.env[VARIABLE] = resolve(path)
  if (!existsSync(measuredFile('src'))) throw new Error(`${path} has no dist/src. Run npm run build there first.`)
}

/** A module of `dist`. A test's hand on the engine belongs to the checkout, because it changes with it. */
export const importMeasured = <Module>(file: string): Promise<Module> => import(pathToFileURL(measuredFile(file)).href)

const measuredFile = (file: string) => join(process.env[VARIABLE] ?? repoRoot, 'dist', file)
