// The demo call in a real Node-RED without a browser: presses the inject node through the admin API, reads what the debug nodes
// show, and measures what each side recorded. Used by `npm start -- --once` and by the version matrix.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import WebSocket from 'ws'
import { measureWav } from './measure-wav.mjs'
import { freeTcpPort, freeUdpPorts, HOST, startNodeRed } from './node-red.mjs'
import { say } from './setup.mjs'

/** Ids of nodes in examples/Demo call.json. */
const RING = 'ringflow-demo-ring'
const EVENTS = ['ringflow-demo-events', 'ringflow-demo-bob-events']
const CDRS = ['ringflow-demo-cdr', 'ringflow-demo-bob-cdr']
const RECORDINGS = ['ringflow-demo-recordings', 'ringflow-demo-bob-recordings']

/** The level of an error in Node-RED's log. */
const ERROR_LEVEL = 20

const PACK = '@ringflow/node-red-telephony'
const CALL_MS = 60_000
const PRESS_MS = 15_000
/** Tolerance between the played and the heard tone. */
const TOLERANCE_HZ = 15
const FAINTEST_DBFS = -40

/**
 * Never throws when the call fails: `ok` and `reason` say so.
 * `userDir`: a user directory with the pack installed. Without it, a temporary one is used and the pack is loaded from `nodesDir`.
 * `keep`: a folder for both recordings, as caller.wav and callee.wav.
 */
export async function placeDemoCall({ flowFile, nodesDir, userDir, node, program, print, keep }) {
  const folder = userDir ?? mkdtempSync(join(tmpdir(), 'ringflow-demo-'))
  const flow = bothSidesShown(await withFreePorts(JSON.parse(readFileSync(flowFile, 'utf8'))))
  writeFileSync(join(folder, 'flows.json'), JSON.stringify(flow))
  const seen = { cdrs: [], recordings: [], problems: [], setupMs: null }
  let nodeRed
  try {
    say('Starting Node-RED …')
    nodeRed = await startNodeRed({
      userDir: folder,
      port: await freeTcpPort(),
      nodesDir,
      logLevel: 'warn',
      node,
      program,
    })
    const version = await loadedPack(nodeRed.url)
    say(`Node-RED ${version.nodeRed} runs with ${version.types} node types of Ringflow. Pressing "ring" …`)
    await ring(nodeRed, seen, print)
    if (keep) keepRecordings(seen, keep)
    return report(flow, seen, join(dirname(flowFile), 'media'))
  } catch (error) {
    return { ok: false, reason: [error.message, ...seen.problems].join('; '), setupMs: seen.setupMs, cdrs: seen.cdrs }
  } finally {
    await nodeRed?.stop()
    if (!userDir) rmSync(folder, { recursive: true, force: true })
  }
}

/** The demo's SIP ports may be in use by `npm start` in another terminal, so each one is replaced wherever it is named. */
async function withFreePorts(flow) {
  const transports = flow.filter(({ type }) => type === 'sip-transport')
  const ports = await freeUdpPorts(transports.length)
  let text = JSON.stringify(flow)
  transports.forEach((transport, i) => {
    text = text.replaceAll(`${HOST}:${transport.udpPort}`, `${HOST}:#${i}#`)
  })
  text = text.replace(/#(\d+)#/g, (_, i) => ports[i])
  const changed = JSON.parse(text)
  for (const node of changed) {
    const i = transports.findIndex(({ id }) => id === node.id)
    if (i >= 0) node.udpPort = String(ports[i])
  }
  return changed
}

/** The demo shows only Alice's side: Bob's debug nodes are switched off. */
function bothSidesShown(flow) {
  return flow.map((node) => (node.type === 'debug' ? { ...node, active: true } : node))
}

/** Fails unless every node of the pack was loaded without an error. */
export async function loadedPack(url) {
  const sets = await (await fetch(`${url}/nodes`, { headers: { accept: 'application/json' } })).json()
  const ours = sets.filter(({ module }) => module === PACK)
  const failed = ours.filter(({ err, enabled }) => err || !enabled)
  if (ours.length === 0) throw new Error('Node-RED did not find the nodes of this pack')
  if (failed.length > 0)
    throw new Error(failed.map(({ name, err }) => `node ${name} was not loaded: ${err}`).join('; '))
  const settings = await (await fetch(`${url}/settings`)).json()
  return { nodeRed: settings.version.replace('-git', ''), types: ours.flatMap(({ types }) => types).length }
}

/** Presses the button and resolves when both sides have reported their end. */
async function ring(nodeRed, seen, print) {
  const socket = new WebSocket(`${nodeRed.url.replace('http', 'ws')}/comms`)
  try {
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    const done = new Promise((resolve, reject) => {
      socket.on('message', (text) => {
        try {
          for (const { topic, data } of [JSON.parse(text)].flat()) if (topic === 'debug') take(data, seen, print)
        } catch (error) {
          reject(error)
        }
        if (seen.cdrs.length >= 2 && seen.recordings.length >= 2) resolve()
      })
    })
    socket.send(JSON.stringify({ subscribe: 'debug' }))
    await press(nodeRed.url)
    await Promise.race([
      done,
      lateAfter(CALL_MS, seen),
      nodeRed.ended.then((how) => Promise.reject(new Error(`Node-RED ended (${how})`))),
    ])
  } finally {
    socket.close()
  }
}

/** The admin API answers shortly before the flow has started. */
async function press(url) {
  const until = Date.now() + PRESS_MS
  for (;;) {
    const { ok, status } = await fetch(`${url}/inject/${RING}`, { method: 'POST' })
    if (ok) return
    if (Date.now() > until) throw new Error(`the inject node "${RING}" could not be pressed (HTTP ${status})`)
    await delay(100)
  }
}

async function lateAfter(ms, seen) {
  await delay(ms, undefined, { ref: false })
  throw new Error(
    `after ${ms / 1000} s there were ${seen.cdrs.length} of 2 CDRs and ${seen.recordings.length} of 2 recordings`,
  )
}

/** One message of a debug node, or a warning of any node. */
function take(data, seen, print) {
  const message = data.format === 'Object' ? JSON.parse(data.msg) : data.msg
  if (EVENTS.includes(data.id)) {
    print(eventLine(message))
    if (message.topic === 'call.answered' && message.call.direction === 'outbound') {
      seen.setupMs = Date.parse(message.call.answeredAt) - Date.parse(message.call.startedAt)
    }
  } else if (CDRS.includes(data.id)) seen.cdrs.push(message.payload ?? message)
  else if (RECORDINGS.includes(data.id))
    seen.recordings.push({ direction: message.call.direction, path: message.payload })
  else if (data.level) {
    const text = `${data.name ?? data.id}: ${data.format === 'error' ? errorText(data.msg) : message}`
    seen.problems.push(text)
    print(`${data.level === ERROR_LEVEL ? 'error' : 'warning'} from node ${text}`)
    if (data.level === ERROR_LEVEL) throw new Error('a node failed')
  }
}

/** The debug node sends an error as JSON. */
function errorText(json) {
  const { data, message } = JSON.parse(json)
  return data?.message ?? message ?? json
}

function eventLine({ topic, event, call, payload }) {
  const who = call
    ? `${call.account.name.padEnd(5)}  ${call.direction.padEnd(8)}  ${call.from.user} -> ${call.to.user}`
    : ''
  const what = typeof payload === 'string' && payload !== topic ? payload : ''
  return [event.at, topic.padEnd(18), who, what].join('  ').trimEnd()
}

function keepRecordings(seen, folder) {
  mkdirSync(folder, { recursive: true })
  for (const { direction, path } of seen.recordings) {
    copyFileSync(path, join(folder, direction === 'outbound' ? 'caller.wav' : 'callee.wav'))
  }
  say(`What both sides heard: ${join(folder, '{caller,callee}.wav')}`)
}

function report(flow, seen, mediaFolder) {
  const [caller, callee] = ['outbound', 'inbound'].map((side) => seen.cdrs.find(({ direction }) => direction === side))
  const [callerHeard, calleeHeard] = ['outbound', 'inbound'].map((side) => heardBy(side, seen))
  const reasons = [
    ...whyNotDone('caller', caller),
    ...whyNotDone('callee', callee),
    ...whyNotHeard('caller', callerHeard, played(flow, 'sip-incoming', mediaFolder)),
    ...whyNotHeard('callee', calleeHeard, played(flow, 'sip-dial', mediaFolder)),
    ...(caller?.digits ? [] : ['the caller received no digit']),
  ]
  const both = [caller, callee].filter(Boolean)
  return {
    ok: reasons.length === 0,
    ...(reasons.length > 0 ? { reason: reasons.join('; ') } : {}),
    setupMs: seen.setupMs,
    callerHeard,
    calleeHeard,
    digits: caller?.digits ?? '',
    packetsSent: sum(both, 'packetsSent'),
    packetsReceived: sum(both, 'packetsReceived'),
    packetsLost: sum(both, 'packetsLost'),
    cdr: { caller: caller ?? null, callee: callee ?? null },
  }
}

function sum(records, field) {
  return records.reduce((total, record) => total + record[field], 0)
}

function heardBy(side, seen) {
  const recording = seen.recordings.find(({ direction }) => direction === side)
  return recording ? measureWav(recording.path) : null
}

function whyNotDone(side, cdr) {
  if (!cdr) return [`no CDR of the ${side}`]
  if (!cdr.answeredAt || cdr.cause !== 'normal')
    return [`the ${side}'s call ended as "${cdr.cause}" (${cdr.sipCode} ${cdr.reason})`]
  return []
}

function whyNotHeard(side, heard, expectedHz) {
  if (!heard) return [`nothing was recorded by the ${side}`]
  if (heard.dbfs < FAINTEST_DBFS) return [`the ${side} heard only ${heard.dbfs} dBFS`]
  if (expectedHz.some((hz) => Math.abs(hz - heard.hz) <= TOLERANCE_HZ)) return []
  return [`the ${side} heard ${heard.hz} Hz, but ${expectedHz.join(' or ')} Hz was played`]
}

/** Frequencies of the tone that is played on the tab with this type of node. */
function played(flow, type, mediaFolder) {
  const tab = flow.find((node) => node.type === type)?.z
  return flow
    .filter((node) => node.type === 'sip-play-media' && node.z === tab)
    .flatMap(({ source, hz, file }) =>
      source === 'tone' ? hz.split('+').map(Number) : [measureWav(join(mediaFolder, file)).hz],
    )
}
