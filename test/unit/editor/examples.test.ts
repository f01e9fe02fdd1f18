import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { repoPath } from '../../support/repo.js'
import { registered, runtimeDefaults, TYPES } from './node-sources.js'

interface Item {
  id: string
  type: string
  z?: string
  g?: string
  x?: number
  y?: number
  wires?: string[][]
  nodes?: string[]
  links?: string[]
  [property: string]: unknown
}

const EXAMPLES = readdirSync(repoPath('examples')).filter((name) => name.endsWith('.json'))
const CORE = [
  'tab',
  'group',
  'comment',
  'inject',
  'debug',
  'change',
  'function',
  'delay',
  'catch',
  'link in',
  'link out',
  'switch',
  'trigger',
  'file',
  'file in',
  'mqtt in',
  'mqtt out',
  'mqtt-broker',
]
/** An editor on a screen of 1600 px shows so much of a tab beside palette and sidebar. */
const CANVAS_PX = 1200
/** The first that a newcomer sees: 1440 px are enough. */
const DEMO_CANVAS_PX = 930
/** What Node-RED adds to every node's own settings. */
const PLACE = ['id', 'type', 'z', 'g', 'x', 'y', 'wires']

const read = (name: string): Item[] => JSON.parse(readFileSync(repoPath('examples', name), 'utf8')) as Item[]
const ours = (flow: Item[]) => flow.filter(({ type }) => TYPES.includes(type))

describe('examples', () => {
  it('use every node of the palette', () => {
    const used = new Set(EXAMPLES.flatMap((name) => ours(read(name)).map(({ type }) => type)))
    const unused = TYPES.filter((type) => !used.has(type) && registered(type).definition.category !== 'config')
    assert.deepEqual(unused, [])
  })

  for (const name of EXAMPLES) {
    describe(name, () => {
      const flow = read(name)
      const byId = new Map(flow.map((item) => [item.id, item]))

      it('has titles of groups in the colour of the editor’s texts: no fixed one can be read well in light and in dark', () => {
        for (const { type, style } of flow) {
          if (type === 'group') assert.equal((style as { color: string }).color, 'var(--red-ui-primary-text-color)')
        }
      })

      it('uses core nodes and ours only, each id once', () => {
        assert.equal(byId.size, flow.length)
        for (const { type } of flow) assert.ok(CORE.includes(type) || TYPES.includes(type), type)
      })

      it('sets every setting of our nodes, and nothing else', async () => {
        for (const item of ours(flow)) {
          const { definition } = registered(item.type)
          const settings = Object.keys(item).filter((key) => !PLACE.includes(key))
          assert.deepEqual(settings.toSorted(), Object.keys(await runtimeDefaults(item.type)).toSorted(), item.id)
          assert.equal((item.wires ?? []).length, definition.outputs ?? 0, `outputs of ${item.id}`)
        }
      })

      it('wires and links lead to nodes that are there', () => {
        for (const { id, z, wires = [], links = [], nodes = [] } of flow) {
          for (const target of wires.flat()) assert.equal(byId.get(target)?.z, z, `${id} → ${target}`)
          for (const link of links) assert.ok(byId.get(link)?.links?.includes(id), `${id} ⇄ ${link}`)
          for (const member of nodes) assert.equal(byId.get(member)?.g, id)
        }
      })

      it('tells what to do, and no secret', () => {
        assert.ok(flow.some(({ type, info }) => type === 'comment' && String(info).length > 100))
        assert.doesNotMatch(JSON.stringify(flow), /password|credentials/i)
      })

      it('names no host but this machine', () => {
        const text = JSON.stringify(flow)
        for (const [host] of text.matchAll(/(?<=sip:\w+@|"\w+@|https?:\/\/)[\w.-]+/g)) assert.equal(host, '127.0.0.1')
        const hosts = flow.map(
          ({ type, bindAddress, broker }) => ({ 'sip-transport': bindAddress, 'mqtt-broker': broker })[type],
        )
        for (const host of hosts) assert.ok(host === undefined || host === '127.0.0.1', String(host))
      })

      it('lays nodes out without overlap', () => {
        for (const a of flow) {
          for (const b of flow) {
            if (a.id >= b.id || a.z !== b.z || a.x === undefined || b.x === undefined) continue
            const apart = Math.abs(a.x - b.x) >= 60 || Math.abs((a.y ?? 0) - (b.y ?? 0)) >= 30
            assert.ok(apart, `${a.id} and ${b.id}`)
          }
        }
      })

      it('fits the canvas', () => {
        const limit = name === 'Demo call.json' ? DEMO_CANVAS_PX : CANVAS_PX
        for (const { id, type, x = 0, w } of flow) {
          if (type === 'group') assert.ok(x >= 0 && x + Number(w) <= limit, `${id} ends at ${x + Number(w)}`)
        }
      })

      it('has every node in a group or a comment beside it', () => {
        const loose = flow.filter(({ x, g, type }) => x !== undefined && !g && !['comment', 'group'].includes(type))
        assert.deepEqual(
          loose.map(({ id }) => id),
          [],
        )
      })

      it('plays sounds that come with the pack', () => {
        for (const { file, prompt } of flow) {
          for (const sound of [file, prompt]) {
            if (typeof sound === 'string' && sound !== '')
              assert.ok(statSync(repoPath('examples', 'media', sound)).isFile())
          }
        }
      })
    })
  }

  it('sounds are telephone quality, and small', () => {
    const sounds = readdirSync(repoPath('examples', 'media'))
    assert.deepEqual(sounds.toSorted(), ['message.wav', 'thanks.wav'])
    for (const sound of sounds) {
      const wav = readFileSync(repoPath('examples', 'media', sound))
      assert.ok(wav.length < 100_000, sound)
      assert.equal(wav.toString('latin1', 8, 16), 'WAVEfmt ')
      assert.deepEqual(
        {
          format: wav.readUInt16LE(20),
          channels: wav.readUInt16LE(22),
          rate: wav.readUInt32LE(24),
          bits: wav.readUInt16LE(34),
        },
        { format: 1, channels: 1, rate: 8000, bits: 16 },
      )
    }
  })

  it('the demo shows the call from one side: the other debug nodes are switched off, and each says whose it is', () => {
    const flow = read('Demo call.json')
    const active = flow.filter(({ type, tosidebar, active }) => type === 'debug' && tosidebar && active)
    assert.deepEqual(new Set(active.map(({ z }) => z)), new Set(['ringflow-demo-caller']))
    for (const [tab, whose] of [
      ['ringflow-demo-caller', 'Alice’s'],
      ['ringflow-demo-callee', 'Bob’s'],
    ] as const) {
      const names = flow.filter(({ type, z, complete }) => type === 'debug' && z === tab && complete !== 'topic')
      for (const { name, id } of names) assert.match(String(name), new RegExp(`^${whose}|^not answered$`), id)
      const accounts = flow.filter(({ type, z }) => ['sip-event', 'sip-cdr-out'].includes(type) && z === tab)
      for (const { account, id } of accounts)
        assert.equal(account, `ringflow-demo-${whose.slice(0, -2).toLowerCase()}`, id)
      assert.equal(accounts.length, 2)
    }
  })

  it('the demo has the ids by which scripts find its parts', () => {
    const ids = new Set(read('Demo call.json').map(({ id }) => id))
    const shown = ['events', 'cdr', 'recordings']
    for (const id of ['ring', ...shown, ...shown.map((name) => `bob-${name}`)])
      assert.ok(ids.has(`ringflow-demo-${id}`), id)
  })
})
