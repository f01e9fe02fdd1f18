/** Imported by every test that starts peers: nothing outlives the run but their logs when something failed. */
import { closeAllPhones } from '../phone.js'
import { peerFolder } from './peer-folder.js'
import { stopAllPeers } from './peer-process.js'

let failed = false

afterEach(function (this: Mocha.Context) {
  failed ||= this.currentTest?.state === 'failed'
})

after(async () => {
  await closeAllPhones()
  await stopAllPeers()
  if (failed) console.log(`logs, recordings and captures of the peers: ${peerFolder.path}`)
  else peerFolder.remove()
})
