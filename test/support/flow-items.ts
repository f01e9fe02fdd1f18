import type { FlowItem } from './node-red.js'

/** A tab, a transport on loopback and an account that does not register. */
export const account = (settings: Record<string, unknown> = {}): FlowItem[] => [
  { id: 'tab', type: 'tab', label: 'calls' },
  { id: 'transport', type: 'sip-transport', name: 'loopback', bindAddress: '127.0.0.1', udpPort: '0' },
  {
    id: 'account',
    type: 'sip-account',
    name: 'pbx',
    transport: 'transport',
    aor: 'alice@127.0.0.1',
    register: false,
    ...settings,
  },
]

/** A node on the tab, wired to an inbox per output: `dial` has `dial-1`, `dial-2` … */
export function wired(id: string, type: string, outputs: number, settings: Record<string, unknown> = {}): FlowItem[] {
  const ports = Array.from({ length: outputs }, (_, index) => `${id}-${index + 1}`)
  return [
    { id, type, z: 'tab', x: 1, y: 1, ...settings, wires: ports.map((port) => [port]) },
    ...ports.map((port) => ({ id: port, type: 'test-inbox', z: 'tab', x: 1, y: 1 })),
  ]
}

/** Catch, Complete and Status nodes of the tab, each with an inbox: `caught`, `completed`, `stated`. */
export const watchers = (completes: string[]): FlowItem[] => [
  { id: 'catch', type: 'catch', z: 'tab', x: 1, y: 1, scope: null, uncaught: false, wires: [['caught']] },
  { id: 'caught', type: 'test-inbox', z: 'tab', x: 1, y: 1 },
  { id: 'complete', type: 'complete', z: 'tab', x: 1, y: 1, scope: completes, uncaught: false, wires: [['completed']] },
  { id: 'completed', type: 'test-inbox', z: 'tab', x: 1, y: 1 },
  { id: 'status', type: 'status', z: 'tab', x: 1, y: 1, scope: null, wires: [['stated']] },
  { id: 'stated', type: 'test-inbox', z: 'tab', x: 1, y: 1 },
]
