import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** File that imports → its one import → the rule that it breaks, or null where it is allowed. */
const CASES: [file: string, text: string, rule: string | null][] = [
  ['src/base/a.ts', "import '../engine/protocol.js'", 'base-imports'],
  ['src/sip/message/a.ts', "import 'node:net'", 'pure-no-io'],
  ['src/sip/digest/a.ts', "import 'node:timers/promises'", 'pure-no-io'],
  ['src/sip/transaction/a.ts', "import 'node:dgram'", 'pure-no-io'],
  ['src/sip/dialog/a.ts', "import 'node:timers'", 'pure-no-io'],
  ['src/sip/dialog/b.ts', "import '../user-agent/g.js'", 'sip/dialog-imports'],
  ['src/sip/user-agent/g.ts', "import '../invite/h.js'", 'sip/user-agent-imports'],
  ['src/sip/invite/h.ts', "import '../dialog/i.js'", null],
  ['src/sip/a.ts', "import 'sip.js'", 'sip-js-is-for-the-browser'],
  ['src/sip/transport/tls/a.ts', "import '../../dialog/i.js'", 'sip/transport/tls-imports'],
  ['src/sip/transport/tls/b.ts', "import '../../types.js'", 'sip/transport/tls-types-only'],
  ['src/sip/transport/tls/c.ts', "import 'node:tls'\nimport '../../../base/x.js'", null],
  ['src/sip/digest/b.ts', "import 'node:crypto'", null],
  ['src/sdp/a.ts', "import '../sip/types.js'", 'sdp-imports'],
  ['src/media/rtp/a.ts', "import { readFile } from 'fs/promises'\nreadFile", 'pure-no-io'],
  ['src/media/worker/a.ts', "import '../client.js'", 'media/worker-imports'],
  ['src/media/worker/b.ts', "import '../protocol.js'", null],
  ['src/media/worker/c.ts', "import '../../trace/logger.js'", 'media/worker-types-only'],
  ['src/media/worker/d.ts', "import type { Thing } from '../../trace/logger.js'\nexport type A = Thing", null],
  ['src/call/a.ts', "import type { Thing } from '../engine/protocol.js'\nexport type A = Thing", 'call-imports'],
  ['src/call/b.ts', "import '../media/worker/e.js'", 'call-imports'],
  ['src/call/c.ts', "import '../media/protocol.js'", null],
  ['src/call/d.ts', "import '../sip/dialog/i.js'", 'call-imports'],
  ['src/call/e.ts', "import '../sip/types.js'", null],
  ['src/engine/c.ts', "import '../sip/dialog/i.js'", 'engine-imports'],
  ['src/account/b.ts', "import '../sip/dialog/i.js'", 'account-imports'],
  ['src/account/a.ts', "import '../call/c.js'", 'account-imports'],
  ['src/engine/a.ts', "import '../media/worker/e.js'", 'engine-imports'],
  ['src/engine/b.ts', "import '../call/c.js'", null],
  ['src/cli/a.ts', "import '../call/c.js'", 'cli-imports'],
  ['src/unheard/a.ts', "import '../base/x.js'", 'src-folder-without-a-row'],
  ['src/sip/b.ts', "import 'node-red'", 'src-knows-no-node-red'],
  ['src/sip/c.ts', "import './d.js'", 'no-cycles'],
  ['src/sip/e.ts', "import './not-there.js'", 'no-unresolvable'],
  ['src/sip/f.ts', "import 'mocha'", 'no-dev-dependency'],
  ['nodes/sip-dial/a.ts', "import '../sip-answer/b.js'", 'node-imports'],
  ['nodes/sip-dial/b.ts', "import '../../src/base/x.js'", 'node-imports'],
  ['nodes/sip-dial/c.ts', "import type { Thing } from '../../src/base/x.js'\nexport type A = Thing", null],
  ['nodes/sip-dial/d.ts', "import '../shared/x.js'\nimport '../../src/engine/client.js'", null],
]

const TARGETS = [
  'src/base/x.ts',
  'src/engine/protocol.ts',
  'src/engine/client.ts',
  'src/sip/types.ts',
  'src/sip/dialog/i.ts',
  'src/media/client.ts',
  'src/media/protocol.ts',
  'src/media/worker/e.ts',
  'src/trace/logger.ts',
  'nodes/sip-answer/b.ts',
  'nodes/shared/x.ts',
]

describe('import rules', () => {
  let tree: string
  let broken: Map<string, string[]>

  before(async function () {
    this.timeout(60_000)
    mkdirSync(join(root, '.cache'), { recursive: true })
    tree = mkdtempSync(join(root, '.cache', 'import-rules-'))
    for (const file of TARGETS) write(file, 'export interface Thing {}')
    for (const [file, text] of CASES) write(file, text)
    write('src/sip/d.ts', "import './c.js'")
    cpSync(join(root, 'package.json'), join(tree, 'package.json'))
    cpSync(join(root, 'tsconfig.json'), join(tree, 'tsconfig.json'))
    broken = await brokenRules()
  })

  after(() => rmSync(tree, { recursive: true, force: true }))

  for (const [file, text, rule] of CASES) {
    it(`${file}: ${text.split('\n')[0]} ${rule ? `breaks ${rule}` : 'is allowed'}`, () => {
      const rules = broken.get(file) ?? []
      if (rule) assert.ok(rules.includes(rule), `broken: ${rules}`)
      else assert.deepEqual(rules, [])
    })
  }

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(tree, file)), { recursive: true })
    writeFileSync(join(tree, file), `${text}\n`)
  }

  async function brokenRules(): Promise<Map<string, string[]>> {
    const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
    const args = [cruiser, 'src', 'nodes', '--config', join(root, '.dependency-cruiser.cjs'), '-T', 'json']
    const run = promisify(execFile)(process.execPath, args, { cwd: tree, maxBuffer: 1 << 26 })
    const output = await run.then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    )
    const { summary } = JSON.parse(output) as { summary: { violations: { from: string; rule: { name: string } }[] } }
    const found = new Map<string, string[]>()
    for (const { from, rule } of summary.violations) found.set(from, [...(found.get(from) ?? []), rule.name])
    return found
  }
})
