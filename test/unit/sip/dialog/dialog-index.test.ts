import assert from 'node:assert/strict'
import { Dialog } from '../../../../src/sip/dialog/dialog.js'
import { DialogIndex, type DialogUsage } from '../../../../src/sip/dialog/dialog-index.js'
import { ParsedRequest } from '../../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../../src/sip/message/parser.js'
import { requestText, SOURCE } from '../../../support/sip-messages.js'

const received = (parts: Parameters<typeof requestText>[0]): ParsedRequest => {
  const message = parseMessage(Buffer.from(requestText(parts)), SOURCE)
  assert.ok(message instanceof ParsedRequest)
  return message
}

const ALICE = '<sip:alice@example.com>'
const BOB = '<sip:bob@example.org>'

/** A dialog that the peer with this tag has made; '' has none. */
function usage(peerTag: string, ourTag = 'ours'): DialogUsage & { closed: number } {
  const invite = received({ from: peerTag === '' ? ALICE : `${ALICE};tag=${peerTag}`, callId: 'call@test' })
  return {
    closed: 0,
    dialog: Dialog.ofRequest(invite, ourTag),
    receive() {},
    receiveAck() {},
    cancelled() {},
    close() {
      this.closed++
    },
  }
}

const request = (peerTag: string, ourTag: string, callId = 'call@test'): ParsedRequest =>
  received({
    method: 'BYE',
    callId,
    from: peerTag === '' ? ALICE : `${ALICE};tag=${peerTag}`,
    to: ourTag === '' ? BOB : `${BOB};tag=${ourTag}`,
  })

describe('DialogIndex', () => {
  it('finds a dialog by Call-ID and both tags, and by nothing less (RFC 3261 12)', () => {
    const index = new DialogIndex()
    const known = usage('theirs')
    index.add(known, true)
    assert.equal(index.find(request('theirs', 'ours')), known)
    for (const other of [
      request('forged', 'ours'),
      request('theirs', 'forged'),
      request('ours', 'theirs'),
      request('theirs', 'ours', 'other@test'),
      request('', 'ours'),
    ]) {
      assert.equal(index.find(other), undefined)
    }
  })

  it('finds the dialog of a peer without a tag, also when its requests have one', () => {
    const index = new DialogIndex()
    const known = usage('')
    index.add(known, true)
    assert.equal(index.find(request('', 'ours')), known)
    assert.equal(index.find(request('late', 'ours')), known)
    assert.equal(index.find(request('late', 'forged')), undefined)
  })

  it("finds a dialog by the peer's tag alone if the peer has made it", () => {
    const index = new DialogIndex()
    const theirs = usage('theirs')
    const ours = usage('callee')
    index.add(theirs, true)
    index.add(ours, false)
    assert.equal(index.findByPeer(request('theirs', '')), theirs)
    assert.equal(index.findByPeer(request('callee', '')), undefined)
  })

  it('removes a dialog, and not the one that took its place', () => {
    const index = new DialogIndex()
    const first = usage('theirs')
    const second = usage('theirs')
    index.add(first, true)
    index.add(second, true)
    index.remove(first)
    assert.equal(index.find(request('theirs', 'ours')), second)
    assert.equal(index.findByPeer(request('theirs', '')), second)
    index.remove(second)
    index.remove(second)
    assert.equal(index.kept, 0)
  })

  it('knows which of our INVITEs have no final response', () => {
    const index = new DialogIndex()
    index.addSentInvite('call@test', 'ours')
    assert.equal(index.hasSentInvite('call@test', 'ours'), true)
    assert.equal(index.hasSentInvite('call@test', 'other'), false)
    index.removeSentInvite('call@test', 'ours')
    assert.deepEqual([index.hasSentInvite('call@test', 'ours'), index.kept], [false, 0])
  })

  it('closes each dialog and each undecided INVITE once', () => {
    const index = new DialogIndex()
    const known = usage('theirs')
    index.add(known, true)
    const undecided = { closed: 0, close: () => undecided.closed++ }
    const decided = { closed: 0, close: () => decided.closed++ }
    index.addReceivedInvite(undecided)
    index.addReceivedInvite(decided)
    index.removeReceivedInvite(decided)
    index.close()
    assert.deepEqual([known.closed, undecided.closed, decided.closed], [1, 1, 0])
  })
})
