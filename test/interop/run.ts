/** `npm run test:interop [mocha's arguments]`: installs the peers where they are missing and runs mocha in a private network. */
import { spawnSync } from 'node:child_process'
import { installPeers } from '../support/peers/install.js'
import { inPrivateNetwork } from '../support/private-network.js'
import { repoPath } from '../support/repo.js'

installPeers()
const mocha = [
  process.execPath,
  repoPath('node_modules/mocha/bin/mocha.js'),
  '--config',
  repoPath('test/interop/.mocharc.json'),
]
const { command, isPrivate } = inPrivateNetwork([...mocha, ...process.argv.slice(2)])
if (!isPrivate) console.log('no private network allowed here: the peers use free ports of this machine')
const { status } = spawnSync(command[0] ?? '', command.slice(1), { stdio: 'inherit', cwd: repoPath() })
process.exitCode = status ?? 1
