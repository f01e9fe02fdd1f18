import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Locked {
  version?: string
  resolved?: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const file = fileURLToPath(new URL('../../../../package-lock.json', import.meta.url))
const packages = (JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Locked> }).packages

describe('package-lock.json', () => {
  it('holds everything that a package asks for, for other platforms too: else `npm ci` refuses', () => {
    const missing = Object.entries(packages).flatMap(([path, locked]) =>
      Object.keys({ ...locked.dependencies, ...locked.optionalDependencies })
        .filter((name) => !versionSeenFrom(path, name))
        .map((name) => `${name}, wanted by ${path || 'us'}`),
    )
    assert.deepEqual(missing, [])
  })

  it('names no place to download from', () => {
    const naming = Object.entries(packages).filter(([, { resolved }]) => resolved)
    assert.deepEqual(naming, [])
  })
})

/** Node's own rule: the nearest node_modules on the way up. `path` is '' or 'node_modules/a/node_modules/b'. */
function versionSeenFrom(path: string, name: string): string | undefined {
  const above = path === '' ? [] : path.split(/(?:^|\/)node_modules\//).slice(1)
  for (let depth = above.length; depth >= 0; depth--) {
    const found = packages[[...above.slice(0, depth), name].map((part) => `node_modules/${part}`).join('/')]
    if (found) return found.version
  }
  return undefined
}
