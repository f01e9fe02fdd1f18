import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const require = createRequire(import.meta.url)
const { 'node-red': nodeRed } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  'node-red': { nodes: Record<string, string> }
}

describe('node modules as Node-RED loads them', () => {
  for (const [type, file] of Object.entries(nodeRed.nodes)) {
    it(`${type}: require() as 4.x, import() as 5.x; form beside it`, async () => {
      // Throws ERR_REQUIRE_ASYNC_MODULE where anything on the way awaits at its top level.
      const required = require(resolve(file)) as { __esModule?: boolean; default?: unknown }
      assert.equal(required.__esModule, true)
      assert.equal(typeof required.default, 'function')
      const imported = (await import(resolve(file))) as { default?: unknown }
      assert.equal(imported.default, required.default)
      assert.ok(existsSync(file.replace(/^dist\//, '').replace(/\.js$/, '.html')), 'no html')
    })
  }
})
