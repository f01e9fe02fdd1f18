import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

const IMPURE = {
  date: 'export const at = (): number => Date.now()',
  timeout: 'export const later = (run: () => void): unknown => setTimeout(run, 1)',
  interval: 'export const often = (run: () => void): unknown => setInterval(run, 1)',
  performance: 'export const at = (): number => performance.now()',
}
const PURE_FOLDERS = ['sip/message', 'sip/digest', 'sip/uri', 'sdp', 'media/rtp', 'media/codec', 'media/dtmf']
const NAMES = Object.keys(IMPURE).sort()

describe('protocol code is pure', () => {
  let tree: string
  let refused: string[]

  before(() => {
    tree = mkdtempSync(join(tmpdir(), 'ringflow-purity-'))
    const config = { ...JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')), vcs: { enabled: false } }
    writeFileSync(join(tree, 'biome.json'), JSON.stringify(config))
    for (const folder of [...PURE_FOLDERS, 'base']) {
      for (const [name, text] of Object.entries(IMPURE)) write(`src/${folder}/${name}.ts`, `${text}\n`)
    }
    const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome')
    const args = [biome, 'lint', '--max-diagnostics=none', 'src']
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: tree, encoding: 'utf8' })
    const found = (stdout + stderr).matchAll(/^(\S+\.ts):\d+:\d+ lint\/style\/noRestrictedGlobals/gm)
    refused = [...found].map(([, path]) => path ?? '')
  })
  after(() => rmSync(tree, { recursive: true, force: true }))

  for (const folder of PURE_FOLDERS) {
    it(`src/${folder}: clock and timers are refused`, () => assert.deepEqual(refusedIn(folder), NAMES))
  }

  it('elsewhere they may be used', () => assert.deepEqual(refusedIn('base'), []))

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(tree, file)), { recursive: true })
    writeFileSync(join(tree, file), text)
  }

  function refusedIn(folder: string): string[] {
    const names = refused.filter((path) => dirname(path) === `src/${folder}`)
    return names.map((path) => path.slice(`src/${folder}/`.length, -'.ts'.length)).sort()
  }
})
