// `npm run bench [-- --quick] [--only inbound,memory]`: does its own set-up, then runs dist/bench/main.js in a private network.
import { spawn } from 'node:child_process'
import { ensurePeers } from './peers.mjs'
import { inPrivateNetwork } from './private-network.mjs'
import { checkNode, ensureBuilt, ensureInstalled, root } from './setup.mjs'

checkNode()
await ensureInstalled()
await ensurePeers(['sipp', 'baresip', 'kamailio', 'tls.so', 'tshark', 'ip'])
await ensureBuilt()

const [command, ...args] = inPrivateNetwork([process.execPath, 'dist/bench/main.js', ...process.argv.slice(2)])
spawn(command, args, { cwd: root, stdio: 'inherit' }).once('exit', (code) => {
  process.exitCode = code ?? 1
})
