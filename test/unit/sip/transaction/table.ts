import assert from 'node:assert/strict'
import { type Bench, turn } from './fixture.js'

/** What the rows of one table are tried on. */
export interface Machine {
  readonly bench: Bench
  readonly state: string
  /** Undefined: a message that no test expected. */
  label(text: string): string | undefined
  input(name: string): Promise<void> | void
}

interface Table {
  title: string
  states: readonly string[]
  /** States that this machine cannot be in on a reliable transport. */
  unreliableOnly: readonly string[]
  inputs: readonly string[]
  /** A machine in one of the states. */
  reach(state: string, protocol: 'udp' | 'tcp'): Promise<Machine> | Machine
  /** state | inputs | next state | sent | told | section; `udp:` or `tcp:` before the inputs if the transport matters; $ is the input. */
  rows: string
}

interface Row {
  next: string
  sent: string
  told: string
  section: string
}

/** Tries every input in every state on both kinds of transport; a table with a gap fails. */
export function tryTable(table: Table): void {
  for (const protocol of ['udp', 'tcp'] as const) {
    const rows = rowsOf(table.rows, protocol)
    const states = table.states.filter((state) => protocol === 'udp' || !table.unreliableOnly.includes(state))
    describe(`${table.title}, ${protocol}`, () => {
      for (const state of states) {
        for (const input of table.inputs) tryRow(table, { state, input, protocol }, rows.get(`${state} ${input}`))
      }
      it('has no row but these', () => {
        const wanted = new Set(states.flatMap((state) => table.inputs.map((input) => `${state} ${input}`)))
        assert.deepEqual(
          [...rows.keys()].filter((row) => !wanted.has(row)),
          [],
        )
      })
    })
  }
}

function tryRow(
  table: Table,
  at: { state: string; input: string; protocol: 'udp' | 'tcp' },
  row: Row | undefined,
): void {
  it(`${at.state}, ${at.input} → ${row?.next ?? 'no row'} (${row?.section ?? '?'})`, async () => {
    assert.ok(row, 'the table has no row for this')
    const machine = await table.reach(at.state, at.protocol)
    const { bench } = machine
    const before = bench.flow.sent.length
    bench.told.length = 0
    await machine.input(at.input)
    const sent = bench.flow.sent.slice(before).map((text) => machine.label(text) ?? `unexpected: ${text}`)
    sent.push(...bench.flow.suspected.map((ms) => `suspect ${ms}`))
    assert.deepEqual(
      { next: machine.state, sent: counted(sent), told: bench.told.join(', '), section: row.section },
      row,
    )
    assert.deepEqual(bench.errors, [])
    await leavesNothing(machine)
  })
}

/** After the end of the layer nothing is kept, sent or told, however long one waits. */
async function leavesNothing({ bench }: Machine): Promise<void> {
  bench.layer.close('the test is over')
  await turn()
  assert.deepEqual([bench.layer.size, bench.clock.pending], [{ clients: 0, servers: 0 }, 0])
}

/** `3 A, B` for A, A, A, B. */
function counted(items: readonly string[]): string {
  const runs: { item: string; count: number }[] = []
  for (const item of items) {
    const last = runs.at(-1)
    if (last?.item === item) last.count++
    else runs.push({ item, count: 1 })
  }
  return runs.map(({ item, count }) => (count === 1 ? item : `${count} ${item}`)).join(', ')
}

function rowsOf(text: string, protocol: 'udp' | 'tcp'): Map<string, Row> {
  const rows = new Map<string, Row>()
  for (const line of text.trim().split('\n')) {
    const [states = '', where = '', next = '', sent = '', told = '', section = ''] = line
      .split('|')
      .map((cell) => cell.trim())
    const [, only, inputs = ''] = /^(?:(udp|tcp): )?(.*)$/.exec(where) ?? []
    if (only !== undefined && only !== protocol) continue
    for (const state of states.split(', ')) {
      for (const input of inputs.split(', ')) {
        assert.ok(!rows.has(`${state} ${input}`), `two rows for ${state}, ${input}`)
        const filled = { sent: sent.replaceAll('$', input), told: told.replaceAll('$', input) }
        rows.set(`${state} ${input}`, { next, ...filled, section })
      }
    }
  }
  return rows
}
