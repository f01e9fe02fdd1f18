import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** tsc copies no XML, no configuration files and no sounds: what tests need of those is found from the top of the checkout. */
function findRepoRoot(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from
  const parent = dirname(from)
  if (parent === from) throw new Error('no package.json above the tests')
  return findRepoRoot(parent)
}

export const repoRoot = findRepoRoot(import.meta.dirname)
export const repoPath = (...parts: string[]): string => join(repoRoot, ...parts)
