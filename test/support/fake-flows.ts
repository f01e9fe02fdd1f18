import { telephony } from '../../nodes/shared/telephony.js'
import { FakeEngine } from './fake-engine.js'
import { type FlowItem, TestFlows } from './node-red.js'

type StartOptions = Parameters<typeof TestFlows.start>[1]

/** Node-RED with our nodes over a scripted engine, anew for each test of the suite that calls this. */
export function fakeFlows(): {
  readonly engine: FakeEngine
  readonly flows: TestFlows
  start(flow: FlowItem[], options?: StartOptions): Promise<TestFlows>
  /** Stops the flows, and has another engine for the next ones. */
  anew(): Promise<void>
} {
  let engine = new FakeEngine()
  let flows: TestFlows | undefined

  beforeEach(() => {
    engine = new FakeEngine()
    flows = undefined
    telephony.engine.startWith(async () => engine)
  })

  afterEach(async () => {
    await flows?.stop()
    telephony.engine.startWith(null)
  })

  return {
    get engine() {
      return engine
    },
    get flows() {
      if (!flows) throw new Error('the test has started no flows')
      return flows
    },
    async anew() {
      await flows?.stop()
      engine = new FakeEngine()
    },
    async start(flow, options) {
      flows = await TestFlows.start(flow, options)
      return flows
    },
  }
}
