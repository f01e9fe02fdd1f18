import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
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

  const open = () => new UnsentRecords({ problem: (text) => problems.push(text) }, { path })

  /** What is handed over. */
  async function delivered(from: UnsentRecords, taken = true): Promise<string[]> {
    const ids: string[] = []
    from.deliver((events) => {
      ids.push(...events.map(({ callId }) => callId))
      return taken
    })
    await from.settled
    return ids
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-unsent-'))
    path = join(folder, 'ringflow', 'unsent.jsonl')
    problems = []
    records = open()
  })

  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('come out once, in order, for another process as well, and nobody else can read them', async () => {
    for (let n = 0; n < 100; n++) records.keep(ended(`call${n}`))
    await records.settled
    assert.equal(statSync(path).mode & 0o077, 0)
    const next = open()
    assert.deepEqual(
      await delivered(next),
      Array.from({ length: 100 }, (_, n) => `call${n}`),
    )
    assert.deepEqual([await delivered(next), await delivered(records)], [[], []])
    assert.deepEqual([existsSync(path), existsSync(`${path}.sending`)], [false, false])
    assert.deepEqual(problems, [])
  })

  it('are written after keep has returned: the disk does not hold up the thread', async () => {
    records.keep(ended('a'))
    assert.equal(existsSync(path), false)
    await records.settled
    assert.equal(existsSync(path), true)
  })

  it('are there while they are handed over: a process that dies then costs none', async () => {
    records.keep(ended('a'))
    await records.settled
    records.deliver(() => {
      assert.ok(existsSync(`${path}.sending`))
      throw new Error('the process died')
    })
    await records.settled
    records.keep(ended('b'))
    await records.settled
    assert.deepEqual(await delivered(open()), ['a', 'b'])
    assert.deepEqual(await delivered(open()), [])
  })

  it('that were not taken wait for the next time, with those that came meanwhile', async () => {
    records.keep(ended('a'))
    assert.deepEqual(await delivered(records, false), ['a'])
    records.deliver(() => {
      records.keep(ended('c'))
      return false
    })
    records.keep(ended('b'))
    await records.settled
    await records.settled
    assert.deepEqual((await delivered(open())).toSorted(), ['a', 'b', 'c'])
    assert.deepEqual(problems, [])
  })

  it('that come while others are handed over are not deleted with them', async () => {
    records.keep(ended('a'))
    records.deliver(() => {
      records.keep(ended('b'))
      return true
    })
    await records.settled
    await records.settled
    assert.deepEqual(await delivered(open()), ['b'])
  })

  it('a line cut short, or of something else, is reported and costs the others nothing', async () => {
    records.keep(ended('a'))
    await records.settled
    appendFileSync(path, '{"type":"call.ringing","call":{},"cdr":{}}\nnull\n{"type":"call.en')
    assert.deepEqual(await delivered(records), ['a'])
    assert.equal(problems.length, 3)
  })

  it('a folder that cannot be written is reported with the call, and the next record is tried again', async () => {
    writeFileSync(join(folder, 'ringflow'), 'a file in its place')
    records.keep(ended('a'))
    await records.settled
    assert.equal(problems.length, 1)
    assert.match(problems[0] ?? '', /record of call a is lost/)
    rmSync(join(folder, 'ringflow'))
    records.keep(ended('b'))
    assert.deepEqual(await delivered(records), ['b'])
  })

  it('a file that cannot be moved sends nothing, so that it does not send the same at every start', async () => {
    records.keep(ended('a'))
    await records.settled
    mkdirSync(`${path}.sending`)
    assert.deepEqual(await delivered(records), [])
    assert.match(problems[0] ?? '', /call records are not sent/)
    rmSync(`${path}.sending`, { recursive: true })
    assert.deepEqual(await delivered(records), ['a'])
  })
})
