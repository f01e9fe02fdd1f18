import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { ERROR_TEXT } from '../../../nodes/shared/status.js'
import { repoPath } from '../../support/repo.js'

describe('docs/reference/errors.md', () => {
  it('tells every code with the status that nodes show', () => {
    const [codes = ''] = readFileSync(repoPath('docs', 'reference', 'errors.md'), 'utf8').split('\n## ')
    const rows = codes.matchAll(/^\| `([A-Z_]+)` \| ([^|]+) \|/gm)
    const told = [...rows].map(([, code, status]) => [code, status])
    assert.deepEqual(told, Object.entries(ERROR_TEXT))
  })
})
