import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { RED } from '../../../nodes/shared/red.js'
import { engineInit } from '../../../nodes/shared/shared-engine.js'

const initFor = (settings: object) => engineInit({ settings } as unknown as RED)

describe('nodes/shared/engine: where files lie', () => {
  it('below the userDir unless told otherwise; the pack’s own prompts last', () => {
    const init = initFor({ userDir: '/data' })
    assert.equal(init.recordRoot, '/data/ringflow/recordings')
    assert.equal(init.mediaRoots[0], '/data/ringflow/media')
    assert.equal(init.logLevel, 'warn')
    assert.ok(existsSync(join(init.mediaRoots.at(-1) ?? '', 'message.wav')))
  })

  it('settings.js names other folders, relative ones below the userDir', () => {
    const ringflow = { mediaFolders: ['/srv/prompts', 'sounds'], recordingFolder: 'calls', logLevel: 'debug' }
    const init = initFor({ userDir: '/data', ringflow })
    assert.deepEqual(init.mediaRoots.slice(0, 3), ['/srv/prompts', '/data/sounds', '/data/ringflow/media'])
    assert.equal(init.recordRoot, '/data/calls')
    assert.equal(init.logLevel, 'debug')
    assert.deepEqual(init.dnsServers, [])
    assert.deepEqual(initFor({ ringflow: { dnsServers: '192.0.2.53' } }).dnsServers, ['192.0.2.53'])
    assert.deepEqual(initFor({ userDir: '/data', ringflow: { mediaFolders: 'one' } }).mediaRoots[0], '/data/one')
  })
})
