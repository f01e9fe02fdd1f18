import { spawnSync } from 'node:child_process'

/** Marks a process that runs inside: it may use every port it likes. */
const MARK = 'RINGFLOW_PRIVATE_NETWORK'

// A network namespace has its own loopback: no clash with other runs, nothing can leave. A process namespace ends every
// peer with the command, even when that is killed. `sh` stays as the first process, as whoever is that reaps orphans.
const NAMESPACES = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc']
const SCRIPT = 'ip link set lo up && "$@"; exit $?'

const canUnshare = (flags: string[]): boolean =>
  spawnSync('unshare', [...flags, 'ip', 'link', 'set', 'lo', 'up']).status === 0

/** The command line that runs this one in a network of its own: as root, as root of a user namespace, or, where neither is allowed, as it is. */
export function inPrivateNetwork(command: string[]): { command: string[]; isPrivate: boolean } {
  if (process.env[MARK]) return { command, isPrivate: true }
  const flags = [NAMESPACES, ['--user', '--map-root-user', ...NAMESPACES]].find(canUnshare)
  if (!flags) return { command, isPrivate: false }
  return { command: ['unshare', ...flags, 'env', `${MARK}=1`, 'sh', '-c', SCRIPT, 'sh', ...command], isPrivate: true }
}
