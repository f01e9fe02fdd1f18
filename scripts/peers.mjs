// The peers of tests and bench: programs from Debian packages, installed if missing.
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run, say } from './setup.mjs'

/** Program, or module of Kamailio → Debian package. */
const PACKAGES = {
  sipp: 'sip-tester',
  baresip: 'baresip-core',
  kamailio: 'kamailio',
  'tls.so': 'kamailio-tls-modules',
  'websocket.so': 'kamailio-websocket-modules',
  linphonec: 'linphone-cli',
  tshark: 'tshark',
  sox: 'sox',
  ip: 'iproute2',
  iptables: 'iptables',
  chromium: 'chromium',
}

const POLICY = '/usr/sbin/policy-rc.d'

const MACHINE = { x64: 'x86_64', arm64: 'aarch64' }[process.arch] ?? process.arch
const MODULES = `/usr/lib/${MACHINE}-linux-gnu/kamailio/modules`

/** Installs those of these programs that are missing, or prints what to do and ends. */
export async function ensurePeers(programs) {
  const missing = programs.filter((program) => !isInstalled(program))
  if (missing.length === 0) return
  const packages = missing.map((program) => PACKAGES[program])
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) {
    say(`These tests call real peers; this machine lacks ${missing.join(', ')}.`)
    say(`On Debian: sudo apt-get install --no-install-recommends ${packages.join(' ')}`)
    process.exit(1)
  }
  await install(packages)
  const still = missing.filter((program) => !isInstalled(program))
  if (still.length > 0)
    throw new Error(`apt-get installed ${packages.join(' ')}, but ${still.join(', ')} is still missing`)
}

async function install(packages) {
  say(`Installing ${packages.join(' ')} (apt-get) …`)
  // Without this Debian would start kamailio as a daemon as soon as it is installed.
  const mine = !existsSync(POLICY)
  if (mine) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 2], // a thousand lines of unpacking; errors are on stderr
  }
  try {
    const updated = run('apt-get', ['update', '-qq'], options)
    await updated.catch((error) => say(`${error.message}; trying to install all the same`))
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options)
  } finally {
    if (mine) rmSync(POLICY)
  }
}

function isInstalled(program) {
  if (program.endsWith('.so')) return existsSync(join(MODULES, program))
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** `name version` of each program, for the head of a report. */
export function peerVersions(programs) {
  return programs.filter(isInstalled).map((program) => {
    const name = PACKAGES[program]
    try {
      return `${name} ${execFileSync('dpkg-query', ['-W', '-f', '${' + 'Version}', name], { encoding: 'utf8' })}`
    } catch {
      return name
    }
  })
}
