import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debugNode, Stage } from '../../support/examples.js'
import { tell } from '../../support/figures.js'
import type { FlowNode } from '../../support/node-red-process.js'

/** Hostile caller names and other field contents. */
const NASTY = [
  '=HYPERLINK("http://127.0.0.1/","click")',
  '=1+1',
  '+4930123456',
  '-1',
  '@SUM(A1)',
  '＝1＋1',
  'Bob "the Builder", jr.',
  'a;b',
  "'=1",
  "'",
  ' =1',
  'Grüße 你好',
]
/** SIP does not carry these texts, so the test inserts them behind the engine. */
const NASTIER = [
  '\t=1',
  '\r=1',
  '\n=1',
  'two\r\nlines',
  'two\nlines',
  '"',
  '""',
  '"=1"',
  ',',
  '',
  'null',
  0,
  -7,
  null,
  undefined,
  true,
]

type Row = Record<string, string>

/** RFC 4180 2, strictly: every field in quotes, CR LF after every line. Independent of the code under test. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  let at = 0
  while (at < text.length) {
    assert.equal(text[at], '"', `a field begins without quotes at ${at}`)
    let field = ''
    for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
      assert.ok(at < text.length, 'a field does not end')
      if (text[at] === '"') at++
      field += text[at]
    }
    rows.at(-1)?.push(field)
    const end = text.startsWith('\r\n', at + 1) ? 2 : 1
    if (end === 2) rows.push([])
    else assert.equal(text[at + 1], ',', `neither comma nor line end at ${at + 1}`)
    at += 1 + end
  }
  assert.deepEqual(rows.pop(), [], 'the last line has no end')
  return rows
}

const isFormula = (field: string) => /^[=+\-@\t\r\n＝＋－＠]/.test(field)
const original = (field: string) => field.replace(/^'/, '')
const plain = (value: unknown) => (value === null || value === undefined ? '' : String(value))

describe('the CSV example', function () {
  this.timeout(90_000)
  let stage: Stage
  let folder: string
  let file: string
  let flow: FlowNode[]

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-csv-'))
    file = join(folder, 'below', 'calls.csv')
    stage = await Stage.start()
    await stage.listen('ringflow-csv-written', 'truth')
    const example = (await stage.example('CDR to CSV file'))
      .setRule('ringflow-csv-file', 'filename', file, 'str')
      .set('ringflow-csv-cdr', { account: 'desk' })
    const button = { type: 'inject', props: [{ p: 'payload' }], payloadType: 'json', x: 1, y: 1 }
    flow = [
      ...example.items,
      ...stage.people({ desk: 'busy', caller: null }),
      { ...button, id: 'ring', z: 'people', payload: JSON.stringify(NASTY), wires: [['each']] },
      {
        id: 'each',
        type: 'split',
        z: 'people',
        x: 1,
        y: 1,
        splt: '\\n',
        arraySplt: 1,
        arraySpltType: 'len',
        wires: [['dial']],
      },
      {
        id: 'dial',
        type: 'sip-dial',
        z: 'people',
        x: 1,
        y: 1,
        account: 'caller',
        target: stage.address('desk'),
        targetType: 'str',
        callerName: 'payload',
        callerNameType: 'msg',
        wires: [[], [], []],
      },
      { id: 'truth-cdr', type: 'sip-cdr-out', z: 'people', x: 1, y: 1, account: 'desk', wires: [['truth']] },
      debugNode('truth', 'people', 'payload'),
      {
        ...button,
        id: 'records',
        z: 'ringflow-csv',
        payload: JSON.stringify(NASTIER.map((fromName) => ({ fromName }))),
        wires: [['record']],
      },
      {
        id: 'record',
        type: 'split',
        z: 'ringflow-csv',
        x: 1,
        y: 1,
        splt: '\\n',
        arraySplt: 1,
        arraySpltType: 'len',
        wires: [['ringflow-csv-file']],
      },
    ]
    await stage.deploy(flow)
  })
  after(async () => {
    await stage?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function rows(): Row[] {
    const [head = [], ...lines] = parseCsv(readFileSync(file, 'utf8'))
    for (const fields of lines) {
      assert.equal(fields.length, head.length)
      for (const field of fields) assert.ok(!isFormula(field), `a spreadsheet would run ${JSON.stringify(field)}`)
    }
    return lines.map((fields) => Object.fromEntries(head.map((name, i) => [name, original(fields[i] ?? '')])))
  }

  /** Resolves when the file holds this number of calls. */
  async function written(lines: number): Promise<void> {
    for (;;) {
      await stage.shown('ringflow-csv-written')
      if (rows().length >= lines) return
    }
  }

  it('real calls, with whatever name: every field comes back as it was, none is a formula', async () => {
    await stage.nodeRed.press('ring')
    await written(NASTY.length)
    const truth = new Map<string, Record<string, unknown>>()
    while (truth.size < NASTY.length) {
      const record = await stage.shown<Record<string, unknown> & { id: string }>('truth')
      truth.set(record.id, record)
    }
    const found = rows()
    assert.equal(found.length, NASTY.length)
    for (const row of found) {
      const record = truth.get(row.id ?? '') ?? assert.fail(`no call ${row.id}`)
      for (const [column, value] of Object.entries(row)) assert.equal(value, plain(record[column]), column)
    }
    assert.deepEqual(found.map(({ fromName }) => fromName).toSorted(), NASTY.map((name) => name.trim()).toSorted())
  })

  it('what no caller can send is written as exactly', async () => {
    await stage.nodeRed.press('records')
    await written(NASTY.length + NASTIER.length)
    const names = rows()
      .slice(NASTY.length)
      .map(({ fromName }) => fromName)
    const wrong = names.filter((name, n) => name !== plain(NASTIER[n]))
    tell(`CSV: names of ${names.length} that did not come back as they were`, `${wrong.length}`, 'none')
    assert.deepEqual(names, NASTIER.map(plain))
  })

  it('a restarted flow goes on in the same file, with one line of headings', async () => {
    await stage.deploy([])
    await stage.deploy(flow)
    await stage.nodeRed.press('ring')
    await written(2 * NASTY.length + NASTIER.length)
    const text = readFileSync(file, 'utf8')
    assert.equal(rows().length, 2 * NASTY.length + NASTIER.length)
    assert.equal(text.match(/^"startedAt"/gm)?.length, 1)
  })
})
