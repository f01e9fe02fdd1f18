import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'

/** Debian's package for each program that the tests start. */
const PACKAGES = {
  kamailio: 'kamailio',
  kamcmd: 'kamailio',
  baresip: 'baresip-core',
  sipp: 'sip-tester',
  dumpcap: 'wireshark-common',
  tshark: 'tshark',
  ip: 'iproute2',
} as const satisfies Record<string, string>

const POLICY = '/usr/sbin/policy-rc.d'

/** kamailio lies in /usr/sbin, which is not in everybody's PATH. */
export function addSystemFolders(): void {
  process.env.PATH = [...new Set([...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'])].join(':')
}

export function missingPeers(): string[] {
  addSystemFolders()
  const isThere = (program: string) =>
    (process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/${program}`))
  return Object.keys(PACKAGES).filter((program) => !isThere(program))
}

/** Installs what is missing, on Debian and with the rights to do so; otherwise throws with the command to type. */
export function installPeers(): void {
  const missing = missingPeers()
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((program) => PACKAGES[program as keyof typeof PACKAGES]))]
  const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...packages]
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  console.log(`installing peers for the tests: ${packages.join(' ')}`)
  const hasPolicy = existsSync(POLICY)
  // Kamailio's package starts it as a service unless this forbids it.
  if (!hasPolicy && sudo.length === 0) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const run = (words: string[]) =>
      spawnSync(words[0] ?? '', words.slice(1), {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      }).status === 0
    run([...sudo, 'apt-get', 'update', '-q'])
    run([...sudo, ...install])
  } finally {
    if (!hasPolicy && sudo.length === 0) rmSync(POLICY, { force: true })
  }
  const still = missingPeers()
  if (still.length > 0)
    throw new Error(`The interoperability tests need ${still.join(', ')}: sudo ${install.join(' ')}`)
}
