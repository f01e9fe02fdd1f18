import assert from 'node:assert/strict'
import { ReceivedInvite } from '../../../src/sip/invite/received-invite.js'
import { FakeClock } from '../../support/fake-clock.js'
import { holdings } from '../../support/process-handles.js'
import { ANSWER, establish, OFFER, Party } from '../../support/sip-parties.js'
import { called, within } from '../../support/wait.js'

/** Objects that have to go, by what they are. */
class Watched {
  readonly #refs = new Map<string, WeakRef<object>>()

  add(what: string, object: object): void {
    this.#refs.set(what, new WeakRef(object))
  }

  /** What is still there after a collection. */
  async left(): Promise<string[]> {
    await holdings()
    return [...this.#refs].flatMap(([what, ref]) => (ref.deref() === undefined ? [] : [what]))
  }
}

/** RFC 3261 17.2 wants late messages to be answered for 32 s; a call that has ended shall not wait in memory for them. */
describe('what stays of a call while its transactions may be asked again', () => {
  let clock: FakeClock
  let alice: Party
  let bob: Party

  beforeEach(async () => {
    clock = new FakeClock()
    alice = await Party.open('alice', { clock })
    bob = await Party.open('bob', { clock })
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

  /** A call that stands, made of objects that are watched. In a function of its own, whose variables do not outlive it. */
  async function standing(watched: Watched) {
    const handlers = {
      progress() {},
      answered: (dialog: Dialog) => made.resolve(dialog),
      failed: () => made.resolve(undefined),
    }
    const made = deferred<Dialog | undefined>()
    const init = { target: bob.address, body: { ...OFFER }, sipCallId: `stays${Math.random()}@test` }
    const sent = alice.agent.invite(init, handlers)
    watched.add('the sent INVITE', sent)
    watched.add('its handlers', handlers)
    watched.add('its body', init.body)
    const taken = await bob.invites.next()
    assert.ok(taken instanceof ReceivedInvite)
    watched.add('the received INVITE', taken)
    watched.add('its request', taken.request)
    const cancelled = { cancelled() {} }
    taken.handlers = cancelled
    watched.add('the handlers of the received INVITE', cancelled)
    taken.progress(180)
    const answer = { ...ANSWER }
    watched.add('the answer', answer)
    const callee = taken.accept({ body: answer })
    const acknowledged = called(callee.handlers, 'acknowledged')
    const caller = await within(made.promise, 'the answer to the INVITE')
    assert.ok(caller)
    await acknowledged
    callee.handlers = {}
    return { caller, callee }
  }

  type Dialog = Awaited<ReturnType<typeof establish>>['callerDialog']

  function deferred<T>() {
    let resolve!: (value: T) => void
    const promise = new Promise<T>((done) => {
      resolve = done
    })
    return { promise, resolve }
  }

  it('1 s after the answer of a placed and of a taken call: the dialogs; after the BYE: bytes', async () => {
    const watched = new Watched()
    const dialogs: { caller: Dialog; callee: Dialog }[] = [await standing(watched)]
    clock.advance(1_000)
    assert.deepEqual(await watched.left(), [], 'while the call lives')
    const ended = async (): Promise<void> => {
      const call = dialogs.pop()
      assert.ok(call)
      watched.add("the caller's dialog", call.caller)
      watched.add("the callee's dialog", call.callee)
      assert.equal((await call.caller.bye()).status, 200)
    }
    await ended()
    assert.deepEqual(await watched.left(), [], 'after the BYE')
  })

  it('of a re-INVITE: nothing beside the dialogs; after the BYE bytes', async () => {
    const watched = new Watched()
    const dialogs = [await establish(alice, bob)]
    const renegotiate = async (): Promise<void> => {
      for (const { callerDialog, calleeDialog } of dialogs) {
        const offers: object[] = []
        calleeDialog.handlers.request = (offer) => {
          offers.push(offer)
          offer.accept({ body: ANSWER })
        }
        const acknowledged = called(calleeDialog.handlers, 'acknowledged')
        const response = await callerDialog.reinvite(OFFER)
        assert.equal(response.status, 200)
        await acknowledged
        watched.add('the response', response)
        watched.add('the offer', offers.pop() ?? {})
        calleeDialog.handlers = {}
      }
    }
    await renegotiate()
    assert.deepEqual(await watched.left(), [])
    const ended = async (): Promise<void> => {
      const call = dialogs.pop()
      assert.ok(call)
      watched.add("the caller's dialog", call.callerDialog)
      watched.add("the callee's dialog", call.calleeDialog)
      assert.equal((await call.callerDialog.bye()).status, 200)
    }
    await ended()
    assert.deepEqual(await watched.left(), [], 'after the BYE')
  })
})
