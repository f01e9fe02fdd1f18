import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LogFields, silentLogger } from '../../../../../src/base/logger.js'
import type { TlsMaterial } from '../../../../../src/sip/transport/tls/material.js'
import { TlsFiles } from '../../../../../src/sip/transport/tls/tls-files.js'
import { authority } from '../../../../support/certificates.js'
import { FakeClock } from '../../../../support/fake-clock.js'
import { Inbox } from '../../../../support/sip-parties.js'
import { until } from '../../../../support/wait.js'

const [first, second] = [{ commonName: 'first' }, { commonName: 'second' }]

describe('TLS files that change', () => {
  let folder: string
  let clock: FakeClock
  let warnings: Inbox<string>
  let changes: Inbox<TlsMaterial>
  let files: TlsFiles
  let certificate: string
  let key: string

  const put = (part: 'certificate' | 'key', init: object): void => {
    const made = authority.make(init)
    if (part === 'certificate') copyFileSync(made.certificateFile, certificate)
    else copyFileSync(made.keyFile, key)
  }
  /** The files are looked at once more, and what follows is done. */
  const poll = async (): Promise<void> => {
    assert.equal(clock.pending, 1)
    clock.advance(2_000)
    await until(() => clock.pending === 1, 'the next look at the files to be scheduled')
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-tls-'))
    certificate = join(folder, 'cert.pem')
    key = join(folder, 'key.pem')
    put('certificate', first)
    put('key', first)
    clock = new FakeClock(Date.now())
    warnings = new Inbox('a warning')
    changes = new Inbox('new certificates')
    const warn = (fields: LogFields, message: string): void =>
      warnings.put(`${message}${fields.err ? `: ${fields.err}` : ''}`)
    files = await TlsFiles.open(
      { clock, log: { ...silentLogger, warn } },
      { pair: { certificate: { file: certificate }, key: { file: key } } },
    )
    files.onChange((material) => changes.put(material))
  })
  afterEach(() => {
    files.close()
    assert.equal(clock.pending, 0)
    rmSync(folder, { recursive: true })
  })

  it('are taken when both are new and nothing has changed for one interval', async () => {
    const { material } = files
    put('certificate', second)
    await poll()
    put('key', second)
    await poll()
    assert.deepEqual([changes.waiting.length, warnings.waiting.length], [0, 0])
    await poll()
    const taken = await changes.next()
    assert.equal(files.material, taken)
    assert.notEqual(taken, material)
    await poll()
    await poll()
    assert.equal(changes.waiting.length, 0)
  })

  it('leave the old ones in use where they do not fit, with one warning, until they do', async () => {
    const { material } = files
    put('certificate', second)
    for (let polls = 0; polls < 4; polls++) await poll()
    assert.match(await warnings.next(), /old ones stay in use: .*TLS_KEY_MISMATCH/)
    writeFileSync(key, 'no key')
    for (let polls = 0; polls < 3; polls++) await poll()
    assert.match(await warnings.next(), /TLS_FILE_FORMAT/)
    rmSync(key)
    for (let polls = 0; polls < 3; polls++) await poll()
    assert.match(await warnings.next(), /TLS_FILE\)/)
    assert.deepEqual([warnings.waiting.length, changes.waiting.length], [0, 0])
    assert.equal(files.material, material)
    put('key', second)
    for (let polls = 0; polls < 2; polls++) await poll()
    await changes.next()
  })

  it('are looked at no more after close', () => {
    files.close()
    files.close()
    assert.equal(clock.pending, 0)
  })

  it('that have expired bring a warning', async () => {
    put('certificate', { isExpired: true })
    put('key', { isExpired: true })
    await poll()
    await poll()
    await changes.next()
    assert.match(await warnings.next(), /has expired/)
  })
})
