/** Imported by every test that starts peers: none outlives the run; their logs do when something failed. */
import { peerFolder } from './peer-folder.js'
import { stopAllPeers } from './peer-process.js'

let failed = false

afterEach(function (this: Mocha.Context) {
  failed ||= this.currentTest?.state === 'failed'
})

after(async () => {
  await stopAllPeers()
  if (failed) console.log(`logs, recordings and captures of the peers: ${peerFolder.path}`)
  else peerFolder.remove()
})
