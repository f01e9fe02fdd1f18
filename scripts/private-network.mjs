// Peers and benchmarks run in a private network if this machine allows it: ports cannot clash with other programs, and
// no packet can leave. A process namespace ends every peer with the command, even if the command is killed.
import { spawnSync } from 'node:child_process'

/** This variable is set inside the private network. */
const MARK = 'RINGFLOW_PRIVATE_NETWORK'

const NAMESPACES = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc']

// `sh` stays the first process, because the first process has to reap orphans.
const SCRIPT = 'ip link set lo up && "$@"; exit $?'

/** The command that runs this one in a private network, as root or as root of a user namespace; unchanged if neither is allowed. */
export function inPrivateNetwork(command) {
  if (process.env[MARK]) return command
  const flags = [NAMESPACES, ['--user', '--map-root-user', ...NAMESPACES]].find(isAllowed)
  if (!flags) return command
  return ['unshare', ...flags, 'env', `${MARK}=1`, 'sh', '-c', SCRIPT, 'sh', ...command]
}

const isAllowed = (flags) => spawnSync('unshare', [...flags, 'ip', 'link', 'set', 'lo', 'up']).status === 0
