import assert from 'node:assert/strict'
import { migrations } from '../../../nodes/shared/editor/migrations.js'
import type { AddedNode } from '../../../nodes/shared/editor/node-red.js'
import { upgrade } from '../../../nodes/shared/editor/upgrade.js'
import { type Migrations, migrate } from '../../../nodes/shared/migrate.js'
import { defaults as accountDefaults } from '../../../nodes/sip-account/config.js'
import { defaults as proxyDefaults } from '../../../nodes/sip-proxy/config.js'
import { defaults as transportDefaults } from '../../../nodes/sip-transport/config.js'
import { parseRoute } from '../../../src/account/route.js'
import { editorNode, registered, TYPES } from './node-sources.js'

/** A type that has been renamed twice: `who` became `target` in 2, which is a typed input since 3. */
const steps: Migrations = {
  2: ({ who, ...rest }) => ({ ...rest, target: who }),
  3: (older) => ({ ...older, targetType: String(older.target).startsWith('$') ? 'jsonata' : 'str' }),
}
const defaults = { version: 3, target: '', targetType: 'msg', tags: [] as string[] }

const added = (properties: Record<string, unknown>, extra: Partial<AddedNode> = {}): AddedNode => {
  const _def = { _: (key: string) => key, defaults: valuesOf(defaults) }
  return { id: 'n', type: 'sip-test', ...properties, _def, ...extra } as AddedNode
}
const valuesOf = (settings: object) =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, { value }]))

describe('settings of older versions', () => {
  for (const [from, stored] of [
    ['without a version, as by hand', { who: '$lookup' }],
    ['version 1', { version: 1, who: '$lookup' }],
    ['version 2', { version: 2, target: '$lookup' }],
    ['version 3', { version: 3, target: '$lookup', targetType: 'jsonata' }],
  ] as const) {
    it(`${from}: editor and runtime come to the same`, () => {
      const expected = { version: 3, target: '$lookup', targetType: 'jsonata', tags: [] }
      assert.deepEqual(migrate({ ...stored }, defaults, steps), expected)
      const node = added(stored)
      upgrade(node, steps)
      const { version, target, targetType, tags } = node
      assert.deepEqual({ version, target, targetType, tags }, expected)
    })
  }

  it('a setting that says something is kept, empty ones too', () => {
    const node = added({ version: 3, target: '', targetType: 'env' })
    upgrade(node, steps)
    assert.deepEqual([node.target, node.targetType], ['', 'env'])
  })

  it('two nodes share no default', () => {
    const nodes = [added({ version: 3 }), added({ version: 3 })]
    for (const node of nodes) upgrade(node, steps)
    assert.notEqual(nodes[0]?.tags, nodes[1]?.tags)
  })

  it('nodes of a locked flow too, behind their guard', () => {
    const behind = added({ version: 1, who: '1002' })
    const guard = new Proxy(behind, {
      get: (node, name) => (name === '__node__' ? node : Reflect.get(node, name)),
      set: () => assert.fail('a locked flow refuses changes'),
    })
    upgrade(guard, steps)
    assert.equal(behind.target, '1002')
  })

  for (const [stored, ipVersion] of [
    [{ version: 1, ipVersion: 'auto' }, 'prefer-4'],
    [{ version: 1 }, 'prefer-4'],
    [{ version: 1, ipVersion: '6' }, '6'],
    [{ version: 1, ipVersion: '4' }, '4'],
    [{ version: 2, ipVersion: 'prefer-6' }, 'prefer-6'],
  ] as const) {
    it(`sip-transport ${JSON.stringify(stored)}: the IP version becomes ${ipVersion}`, () => {
      const { version, ipVersion: upgraded } = migrate(
        { ...stored },
        transportDefaults,
        migrations['sip-transport'] ?? {},
      )
      assert.deepEqual([version, upgraded], [3, ipVersion])
    })
  }

  for (const [stored, udpPort, tcpPort] of [
    [{ protocol: 'udp', bindPort: '5070' }, '5070', ''],
    [{ protocol: 'tcp', bindPort: '5070' }, '', '5070'],
    [{ protocol: 'udp+tcp', bindPort: '0' }, '0', '0'],
    [{ bindPort: `\${${'SIP_PORT'}}` }, `\${${'SIP_PORT'}}`, ''],
    [{}, '5060', ''],
    [{ udpPort: '5072', tlsPort: '5073' }, '5072', ''],
  ] as const) {
    it(`sip-transport of version 2, ${JSON.stringify(stored)}: each protocol has a port of its own`, () => {
      const steps = migrations['sip-transport'] ?? {}
      const settings = migrate({ version: 2, ...stored }, transportDefaults, steps)
      assert.deepEqual([settings.version, settings.udpPort, settings.tcpPort], [3, udpPort, tcpPort])
      assert.ok(!('bindPort' in settings) && !('protocol' in settings))
    })
  }

  it('sip-proxy of version 1: proxies that were strict routers are marked so, lists become single entries', () => {
    const stored = {
      version: 1,
      name: 'edge',
      hops: [
        'a.example.com',
        'sip:b.example.com;lr',
        'sip:c.example.com:5070, d.example.com',
        '<SIP:e;transport=tcp>',
        '<sip:f;LR>',
      ],
    }
    const { version, hops } = migrate(stored, proxyDefaults, migrations['sip-proxy'] ?? {})
    assert.equal(version, 2)
    assert.deepEqual(hops, [
      'a.example.com',
      'sip:b.example.com;lr',
      'sip:c.example.com:5070;strict',
      'd.example.com',
      'SIP:e;transport=tcp;strict',
      '<sip:f;LR>',
    ])
    assert.deepEqual(
      parseRoute(hops).map(({ route }) => route),
      [
        '<sip:a.example.com;lr>',
        '<sip:b.example.com;lr>',
        '<sip:c.example.com:5070>',
        '<sip:d.example.com;lr>',
        '<SIP:e;transport=tcp>',
        '<sip:f;LR>',
      ],
    )
  })

  it('of nodes that are not ours are left alone', () => {
    const node = added({ who: 'x' }, { type: 'inject' })
    upgrade(node)
    assert.equal(node.version, undefined)
  })

  it('the editor knows the steps of every type', () => {
    assert.deepEqual(Object.keys(migrations).toSorted(), TYPES.toSorted())
  })

  for (const type of TYPES) {
    it(`${type}: a flow that names none of its settings gets the defaults, and no step lies above its version`, () => {
      const { definition } = registered(type)
      const bare = { id: 'n', type, _def: { _: (key: string) => key, defaults: definition.defaults } } as AddedNode
      upgrade(bare)
      const settings = (node: Record<string, unknown>) =>
        JSON.stringify(Object.keys(definition.defaults).map((name) => [name, node[name]]))
      assert.equal(settings({ ...bare }), settings({ ...editorNode(type) }))
      for (const to of Object.keys(migrations[type] ?? {})) assert.ok(Number(to) <= Number(bare.version))
    })
  }
})

describe('sip-account, version 1', () => {
  for (const [followRedirects, redirects] of [
    [true, 'follow'],
    [false, 'refuse'],
    [undefined, 'follow'],
  ] as const)
    it(`a tick for redirections that is ${followRedirects} becomes “${redirects}”`, () => {
      const stored = { version: 1, aor: 'a@b', ...(followRedirects !== undefined && { followRedirects }) }
      const upgraded = migrate(stored, accountDefaults, migrations['sip-account'] ?? {})
      assert.deepEqual([upgraded.version, upgraded.redirects], [accountDefaults.version, redirects])
      assert.equal('followRedirects' in upgraded, false)
    })
})
