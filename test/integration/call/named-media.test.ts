/** Peers whose SDP names a host (RFC 8866 5.7), heard and spoken to all the same. */
import assert from 'node:assert/strict'
import { silentLogger } from '../../../src/base/logger.js'
import { startMediaService } from '../../../src/media/client.js'
import { type Conversation, Telephone, talking } from '../../support/telephone.js'

describe('a peer whose SDP names', () => {
  let media: ReturnType<typeof startMediaService>
  let bob: Telephone
  const open: Telephone[] = []

  before(() => {
    media = startMediaService({ log: silentLogger })
  })
  after(() => media.close())

  async function telephone(user: string, advertise = '127.0.0.1'): Promise<Telephone> {
    const rtp = { address: '127.0.0.1', advertise, portMin: 30_000, portMax: 39_999 }
    const opened = await Telephone.open(user, media, { rtp })
    open.push(opened)
    return opened
  }

  beforeEach(async () => {
    bob = await telephone('bob')
  })
  afterEach(() => Promise.all(open.splice(0).map((one) => one.close())))

  const heard = ({ events }: Conversation) => events.first('call.media')

  async function hearEachOther(caller: Telephone, callee: Telephone): Promise<void> {
    const { out, in: inbound } = await talking(caller, callee)
    await Promise.all([heard(out), heard(inbound)])
    await out.call.hangup()
    assert.equal((await inbound.call.ended).cause, 'normal')
  }

  for (const [what, name] of [
    ['a host that has an address', 'localhost'],
    ['a host that has none, and speaks from where it signals', 'nowhere.invalid'],
  ] as const) {
    it(`${what} is heard and hears us, as the caller and as the callee`, async () => {
      const named = await telephone('named', name)
      await hearEachOther(named, bob)
      await hearEachOther(bob, named)
    })
  }
})
