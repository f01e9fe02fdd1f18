/** A call on fakes, brought into the state that a test needs. */
import type { Logger } from '../../../src/base/logger.js'
import {
  type Call,
  type CallAccount,
  type CallDeps,
  type IncomingCallInit,
  placeCall,
  takeCall,
} from '../../../src/call/call.js'
import type { CallEvent, CallEventType } from '../../../src/call/call-event.js'
import type { Direction } from '../../../src/media/protocol.js'
import { FakeClock } from '../../support/fake-clock.js'
import { FakeMedia, type FakeMediaSession } from '../../support/fake-media.js'
import { type FakeDialog, FakeIncomingInvite, FakeUserAgent, response, sdpBody } from '../../support/fake-user-agent.js'
import { uriOf } from '../../support/uri.js'

export const account: CallAccount = {
  id: 'acc',
  name: 'Account',
  identity: { uri: 'sip:alice@example.com', user: 'alice', displayName: 'Alice' },
  codecs: ['PCMA', 'PCMU'],
  rtp: { address: '127.0.0.1', advertise: '127.0.0.1', portMin: 40_000, portMax: 40_100 },
  dtmfToneMs: 160,
  mediaTimeoutMs: 20_000,
  exposeHeaders: ['X-Ticket'],
}

export const flowRule = { mode: 'flow', sendRinging: false, decideMs: 10_000, rejectStatus: 486 } as const

/** The peer's SDP, written by hand and so independent of the code under test. */
export function peerSdp(init: { direction?: Direction; codecs?: string; host?: string; port?: number } = {}): string {
  const { direction = 'sendrecv', codecs = '8 0 101', host = '192.0.2.9', port = 30_000 } = init
  return [
    'v=0',
    `o=peer 1 1 IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${codecs}`,
    'a=rtpmap:101 telephone-event/8000',
    `a=${direction}`,
    '',
  ].join('\r\n')
}

export class World {
  readonly clock = new FakeClock()
  readonly media = new FakeMedia()
  readonly userAgent = new FakeUserAgent()
  readonly events: CallEvent[] = []
  readonly types: CallEventType[] = []
  readonly logged: string[] = []
  /** Host names in the peer's SDP that were looked up. */
  readonly lookedUp: string[] = []
  lookup = async (name: string): Promise<readonly string[]> => {
    this.lookedUp.push(name)
    return []
  }
  readonly deps: CallDeps = {
    clock: this.clock,
    media: this.media,
    userAgent: this.userAgent,
    log: this.#log(),
    lookup: (name) => this.lookup(name),
  }

  readonly last = <T extends CallEventType>(type: T): CallEvent & { type: T } => {
    const found = this.events.findLast((event) => event.type === type)
    if (!found) throw new Error(`no ${type} among ${this.types.join(', ')}`)
    return found as CallEvent & { type: T }
  }

  get session(): FakeMediaSession {
    const session = this.media.sessions[0]
    if (!session) throw new Error('no media was opened')
    return session
  }

  readonly onEvent = (event: CallEvent): void => {
    this.events.push(event)
    this.types.push(event.type)
  }

  #log(): Logger {
    const note = (_fields: object, text: string) => void this.logged.push(text)
    const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log }
    return log
  }
}

export interface Scene extends World {
  call: Call
}

const withCall = (world: World, call: Call): Scene => Object.assign(world, { call })

export async function dialled(changes: Partial<CallAccount> = {}, deps: Partial<CallDeps> = {}): Promise<Scene> {
  const world = new World()
  const call = await placeCall(
    { ...world.deps, ...deps },
    {
      account: { ...account, ...changes },
      owner: 'node1',
      target: { uri: uriOf('sip:bob@example.com'), user: 'bob' },
      ringTimeoutMs: 30_000,
      tags: { ticket: 7 },
      onEvent: world.onEvent,
    },
  )
  return withCall(world, call)
}

export async function dialledAndRinging(): Promise<Scene> {
  const scene = await dialled()
  scene.userAgent.invite0.handlers.progress(response(180))
  return scene
}

export async function dialledWithEarlyMedia(): Promise<Scene> {
  const scene = await dialled()
  scene.userAgent.invite0.handlers.progress(response(183, { body: sdpBody(peerSdp()) }))
  return scene
}

export async function dialledAndAnswered(
  changes: Partial<CallAccount> = {},
  deps: Partial<CallDeps> = {},
): Promise<Scene & { dialog: FakeDialog }> {
  const scene = await dialled(changes, deps)
  const dialog = scene.userAgent.invite0.answer(sdpBody(peerSdp()))
  return Object.assign(scene, { dialog })
}

export function incoming(
  init: {
    world?: World
    rule?: IncomingCallInit['rule']
    offer?: string | null
    headers?: Record<string, string>
  } = {},
): Scene & { invite: FakeIncomingInvite } {
  const { world = new World(), rule = flowRule, offer = peerSdp(), headers = {} } = init
  const invite = new FakeIncomingInvite(offer === null ? undefined : sdpBody(offer), headers)
  const call = takeCall(world.deps, invite, { account, owner: 'node2', rule, onEvent: world.onEvent })
  return Object.assign(withCall(world, call), { invite })
}

export async function incomingAnswered(): Promise<Scene & { invite: FakeIncomingInvite; dialog: FakeDialog }> {
  const scene = incoming()
  await scene.call.answer()
  return Object.assign(scene, { dialog: scene.invite.dialog })
}
