import assert from 'node:assert/strict'
import { holdings } from '../../support/process-handles.js'
import { establish, Party } from '../../support/sip-parties.js'

/** RFC 3261 17.2 wants late messages to be answered for 32 s; a call that has ended shall not wait in memory for them. */
describe('what stays of a call while its transactions may be asked again', () => {
  let alice: Party
  let bob: Party

  beforeEach(async () => {
    alice = await Party.open('alice')
    bob = await Party.open('bob')
  })

  afterEach(() => Promise.all([alice.close(), bob.close()]))

  const gone = async (call: () => Promise<object>): Promise<boolean> => {
    const dialog = new WeakRef(await call())
    await holdings()
    return dialog.deref() === undefined
  }

  it('of an answered call: bytes', async () => {
    const call = async () => {
      const { callerDialog, calleeDialog } = await establish(alice, bob)
      assert.equal((await callerDialog.bye()).status, 200)
      return calleeDialog
    }
    assert.ok(await gone(call))
  })

  it('of a call that ended before its ACK came: bytes', async () => {
    const call = async () => {
      const { outcome } = alice.call(bob.address)
      const dialog = (await bob.invites.next()).accept({
        body: { contentType: 'application/sdp', content: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n' },
      })
      await outcome
      await dialog.bye()
      return dialog
    }
    assert.ok(await gone(call))
  })
})
