// Peers and benchmarks run in a network of their own where this machine allows it: no clash of ports with anything else, and
// nothing can leave. A process namespace beside it ends every peer with the command, even when that is killed.
import { spawnSync } from 'node:child_process'

/** Set inside. */
const MARK = 'RINGFLOW_PRIVATE_NETWORK'

const NAMESPACES = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc']

// `sh` stays as the first process: whoever is that has to reap orphans.
const SCRIPT = 'ip link set lo up && "$@"; exit $?'

/** The command that runs this one: as root, as root of a user namespace, or, where neither is allowed, as it is. */
export function inPrivateNetwork(command) {
  if (process.env[MARK]) return command
  const flags = [NAMESPACES, ['--user', '--map-root-user', ...NAMESPACES]].find(isAllowed)
  if (!flags) return command
  return ['unshare', ...flags, 'env', `${MARK}=1`, 'sh', '-c', SCRIPT, 'sh', ...command]
}

const isAllowed = (flags) => spawnSync('unshare', [...flags, 'ip', 'link', 'set', 'lo', 'up']).status === 0
