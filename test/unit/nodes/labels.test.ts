import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { FieldError, reported } from '../../../nodes/shared/errors.js'
import { labelsOf } from '../../../nodes/shared/labels.js'
import { repoPath } from '../../support/repo.js'

const TYPES = readdirSync(repoPath('nodes')).filter((name) => name.startsWith('sip-'))

describe('nodes/shared/labels', () => {
  for (const type of TYPES) {
    it(`${type}: every field has the label of its dialog`, async () => {
      const { defaults } = (await import(`../../../nodes/${type}/config.js`)) as { defaults: object }
      const labels = labelsOf(type)
      const fields = Object.keys(defaults).filter((field) => field !== 'version' && !field.endsWith('Type'))
      const bare = fields.filter((field) => labels(field) === field)
      assert.deepEqual(bare, [])
    })
  }

  it('names a field in an error by its label, and one without a label by its name', () => {
    const error = (field: string) =>
      reported(new FieldError('BAD_CONFIG', field, 'must not be empty'), labelsOf('sip-account'))
    assert.equal(error('aor').message, 'Address: must not be empty')
    assert.equal(error('unknown').message, 'unknown: must not be empty')
    assert.deepEqual([error('aor').code, String(error('aor'))], ['BAD_CONFIG', 'Address: must not be empty'])
  })

  it('knows no label where there is no catalogue', () => {
    assert.equal(labelsOf('no-such-node')('aor'), 'aor')
  })
})
