import { peerFolder } from './peer-folder.js'
import { stopAllPeers } from './peer-process.js'

let failed = false

/** No peer outlives the run; its logs do when something failed. */
export const mochaHooks: Mocha.RootHookObject = {
  afterEach(this: Mocha.Context) {
    failed ||= this.currentTest?.state === 'failed'
  },

  async afterAll() {
    await stopAllPeers()
    if (failed) console.log(`logs, recordings and captures of the peers: ${peerFolder.path}`)
    else peerFolder.remove()
  },
}
