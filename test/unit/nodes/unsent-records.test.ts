import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ended } from '../../../nodes/shared/live-nodes.js'
import { UnsentRecords } from '../../../nodes/shared/unsent-records.js'

const ended = (callId: string) => ({ type: 'call.ended', callId, call: { id: callId }, cdr: { id: callId } }) as Ended

describe('records that wait for the next start', () => {
  let folder: string
  let path: string
  let problems: string[]
  let records: UnsentRecords

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-unsent-'))
    path = join(folder, 'ringflow', 'unsent.jsonl')
    problems = []
    records = new UnsentRecords({ problem: (text) => problems.push(text) }, { path })
  })

  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('come out once, in order, for another process as well', () => {
    records.keep(ended('a'))
    records.keep(ended('b'))
    assert.equal(statSync(path).mode & 0o077, 0)
    const next = new UnsentRecords({ problem: (text) => problems.push(text) }, { path })
    assert.deepEqual(next.take(), [ended('a'), ended('b')])
    assert.deepEqual([next.take(), records.take()], [[], []])
    assert.equal(existsSync(path), false)
    assert.deepEqual(problems, [])
  })

  it('a line cut short, or of something else, is told and costs the others nothing', () => {
    records.keep(ended('a'))
    appendFileSync(path, '{"type":"call.ringing","call":{},"cdr":{}}\nnull\n{"type":"call.en')
    assert.deepEqual(records.take(), [ended('a')])
    assert.equal(problems.length, 3)
  })

  it('a folder that cannot be written is told with the call', () => {
    writeFileSync(join(folder, 'ringflow'), 'a file in its place')
    records.keep(ended('a'))
    assert.equal(problems.length, 1)
    assert.match(problems[0] ?? '', /record of call a is lost/)
  })
})
