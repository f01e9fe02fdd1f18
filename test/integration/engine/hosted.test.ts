import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { HostedEngine } from '../../../src/engine/hosted-engine.js'
import type { Engine, EngineEvents, Playable } from '../../../src/engine/protocol.js'
import { ANSWER, engineInit, Heard, loopbackAccount, twoAccounts } from '../../support/engine-pair.js'

/** A registrar that answers 200 to every REGISTER and keeps the requests. */
class Registrar {
  readonly #socket: Socket = createSocket('udp4')
  readonly expires: number[] = []
  #onRegister = () => {}

  async listen(): Promise<number> {
    this.#socket.on('message', (bytes, from) => {
      const text = bytes.toString()
      if (!text.startsWith('REGISTER ')) return
      this.expires.push(Number(/^Expires: (\d+)/im.exec(text)?.[1]))
      const headers = text.split('\r\n').filter((line) => /^(via|from|call-id|cseq|contact|expires):/i.test(line))
      const to = `${/^To: .*$/im.exec(text)?.[0]};tag=registrar`
      const answer = ['SIP/2.0 200 OK', ...headers, to, 'Content-Length: 0', '', ''].join('\r\n')
      this.#socket.send(answer, from.port, from.address)
      this.#onRegister()
    })
    this.#socket.bind(0, '127.0.0.1')
    await once(this.#socket, 'listening')
    return this.#socket.address().port
  }

  async registered(count: number): Promise<void> {
    while (this.expires.length < count) {
      await new Promise<void>((resolve) => {
        this.#onRegister = resolve
      })
    }
  }

  close(): void {
    this.#socket.close()
  }
}

/** Resolves with the first matching event. */
function told<Name extends keyof EngineEvents>(
  engine: Engine,
  name: Name,
  matches: (data: EngineEvents[Name]) => boolean,
): Promise<EngineEvents[Name]> {
  return new Promise((resolve) => {
    const off = engine.on(name, (data) => {
      if (!matches(data)) return
      off()
      resolve(data)
    })
  })
}

describe('hosted engine', function () {
  this.timeout(20_000)
  let engine: HostedEngine
  let heard: Heard

  beforeEach(async () => {
    engine = await HostedEngine.start(engineInit())
    heard = new Heard(engine)
  })

  afterEach(() => engine.close())

  it('comes back after its thread died: accounts, rules and registrations as they were, open calls closed', async () => {
    const registrar = new Registrar()
    const port = await registrar.listen()
    const registered = told(engine, 'registration', ({ registration }) => registration.state === 'registered')
    await engine.call('setAccount', loopbackAccount('member', { register: true, registrar: `127.0.0.1:${port}` }))
    await registered
    const { target } = await twoAccounts(engine)
    const { callId } = await engine.call('dial', { accountId: 'caller', target, owner: 'node' })
    const { callId: calleeId } = await heard.next('call.incoming')
    await heard.next('call.answered', (event) => event.callId === callId)

    const failed = told(engine, 'engine', ({ state }) => state === 'failed')
    const up = told(engine, 'engine', ({ state }) => state === 'up')
    const again = told(engine, 'registration', ({ registration }) => registration.state === 'registered')
    await engine.crash()
    await failed
    const interrupted = await heard.next('call.ended', (event) => event.callId === callId)
    assert.deepEqual([interrupted.end.cause, interrupted.cdr.cause], ['interrupted', 'interrupted'])
    assert.ok(interrupted.cdr.answeredAt)
    assert.equal(interrupted.owner, 'node')
    await heard.next('call.ended', (event) => event.callId === calleeId)
    await assert.rejects(engine.call('stopPlay', { callId }), (error: { code?: string }) => error.code === 'CALL_ENDED')
    await up
    await again
    await registrar.registered(2)

    // The rule is restored too; the port may differ.
    const { local } = await engine.call('setAccount', loopbackAccount('callee'))
    const { callId: next } = await engine.call('dial', {
      accountId: 'caller',
      target: `sip:callee@${local.host}:${local.port}`,
    })
    await heard.next('call.answered', (event) => event.callId === next)
    const endings = heard.events.filter((event) => event.type === 'call.ended' && event.callId === callId)
    assert.equal(endings.length, 1)
    registrar.close()
  })

  it('un-registers when it is closed', async () => {
    const registrar = new Registrar()
    const port = await registrar.listen()
    const registered = told(engine, 'registration', ({ registration }) => registration.state === 'registered')
    await engine.call('setAccount', loopbackAccount('member', { register: true, registrar: `127.0.0.1:${port}` }))
    await registered
    await engine.close()
    assert.deepEqual(registrar.expires, [600, 0])
    registrar.close()
  })

  it('rejects commands that were under way when its thread died', async () => {
    const { target } = await twoAccounts(engine)
    const { callId } = await engine.call('dial', { accountId: 'caller', target })
    await heard.next('call.answered', (event) => event.callId === callId)
    const source: Playable = { kind: 'tone', hz: [400], durationMs: 60_000 }
    const playing = engine.call('play', { callId, mediaId: 'm', source })
    playing.catch(() => {})
    await engine.call('calls', null)
    await engine.crash()
    await assert.rejects(playing, (error: { code?: string }) => error.code === 'ENGINE_DIED')
  })

  it('answers calls while the main thread is busy', async () => {
    const { target } = await twoAccounts(engine, ANSWER)
    // The first call starts the media worker, which is slow on a busy machine.
    const first = await engine.call('dial', { accountId: 'caller', target })
    await heard.next('call.answered')
    await engine.call('hangup', { callId: first.callId })
    // Everything between INVITE and ACK happens while this thread is blocked; the events only wait to be read.
    const dialled = engine.call('dial', { accountId: 'caller', target, callId: 'while-busy' })
    const answered = heard.next('call.answered', (event) => event.callId === 'while-busy')
    await new Promise((resolve) => setImmediate(resolve))
    const untilMs = Date.now() + 1_000
    while (Date.now() < untilMs);
    await dialled
    const { call } = await answered
    assert.ok(Date.parse(call.answeredAt ?? '') < untilMs, `answered at ${call.answeredAt}`)
  })

  it('a listener that throws keeps nobody else from hearing', async () => {
    const warned = once(process, 'warning')
    const off = engine.on('call', () => {
      off()
      throw new Error('in a flow')
    })
    const { target } = await twoAccounts(engine)
    await engine.call('dial', { accountId: 'caller', target })
    await heard.next('call.answered')
    await warned
  })
})
