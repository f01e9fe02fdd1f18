/** Flows for the editor's tests: a node of each type with its defaults, on one tab. */
import { readdirSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { FlowNode } from '../../support/node-red-process.js'
import { repoPath } from '../../support/repo.js'
import { freeUdpPorts } from '../../support/udp-ports.js'

export const TAB = 'browser-tab'
const CONFIG = ['sip-transport', 'sip-proxy', 'sip-account']

export const TYPES = readdirSync(repoPath('nodes')).filter((name) => name.startsWith('sip-'))
export const FLOW_TYPES = TYPES.filter((type) => !CONFIG.includes(type))

export const idOf = (type: string): string => `browser-${type}`

/** Every account lives on loopback, on any free port, and registers nowhere. */
export async function oneOfEach(): Promise<FlowNode[]> {
  const nodes = await Promise.all(FLOW_TYPES.map((type, index) => flowNode(type, index)))
  return [
    { id: TAB, type: 'tab', label: 'One of each' },
    ...(await Promise.all([
      configNode('sip-transport', { bindAddress: '127.0.0.1', udpPort: '0' }),
      configNode('sip-proxy', { hops: ['sip:127.0.0.1:5999;lr'] }),
      configNode('sip-account', { transport: idOf('sip-transport'), aor: 'alice@127.0.0.1', register: false }),
    ])),
    ...nodes,
  ]
}

async function flowNode(type: string, index: number): Promise<FlowNode> {
  const settings = await defaultsOf(type)
  const file = type === 'sip-play-media' ? { file: 'message.wav' } : type === 'sip-subscribe' ? { target: '1002' } : {}
  const account = 'account' in settings ? { account: idOf('sip-account') } : {}
  const place = { x: 200 + 200 * (index % 3), y: 80 + 80 * Math.floor(index / 3) }
  return { ...settings, ...account, ...file, ...place, id: idOf(type), type, z: TAB, wires: [] }
}

async function configNode(type: string, settings: Record<string, unknown>): Promise<FlowNode> {
  return { ...(await defaultsOf(type)), ...settings, id: idOf(type), type }
}

async function defaultsOf(type: string): Promise<Record<string, unknown>> {
  const file = pathToFileURL(repoPath('dist', 'nodes', type, 'config.js')).href
  return ((await import(file)) as { defaults: Record<string, unknown> }).defaults
}

/** The demo as it is, on ports that are free. */
export async function demoFlow(): Promise<FlowNode[]> {
  let text = readFileSync(repoPath('examples', 'Demo call.json'), 'utf8')
  const shown = [15060, 15062]
  const free = await freeUdpPorts(shown.length)
  shown.forEach((port, index) => {
    text = text.replaceAll(String(port), String(free[index]))
  })
  return JSON.parse(text) as FlowNode[]
}
