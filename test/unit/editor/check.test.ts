import assert from 'node:assert/strict'
import { editorNode, registered, TYPES } from './node-sources.js'

/** What the editor's page offers to validators: a dialog that may be open, and Node-RED's own checks of typed values. */
interface Page {
  RED: unknown
  $: (selector: string) => unknown
}

const page = globalThis as unknown as Partial<Page>

function showDialog(id: string | null, fields: Record<string, string | boolean> = {}): void {
  page.RED = {
    editor: { getEditStack: () => (id === null ? [] : [{ id }]) },
    utils: {
      validateTypedProperty: (value: unknown, type: string) =>
        type === 'msg' && /\s/.test(String(value)) ? 'Invalid property expression' : true,
    },
  }
  page.$ = (selector) => {
    const field = fields[selector.replace('#node-input-', '')]
    return {
      length: field === undefined ? 0 : 1,
      is: () => typeof field === 'boolean',
      prop: () => field,
      val: () => field,
    }
  }
}

function problems(type: string, properties: Record<string, unknown> = {}): string[] {
  const node = editorNode(type, properties)
  return Object.entries(registered(type).definition.defaults).flatMap(([name, { validate }]) => {
    const found = validate?.call(node, node[name]) ?? true
    return found === true ? [] : [found]
  })
}

describe('validators of the forms', () => {
  beforeEach(() => showDialog(null))
  after(() => {
    delete page.RED
    delete page.$
  })

  /** What a fresh node cannot know: everything else has a default that works. */
  const MISSING: Record<string, string[]> = {
    'sip-account': ['Address: must be filled in'],
    'sip-proxy': ['Route: must be filled in'],
    'sip-play-media': ['File: must be filled in'],
    'sip-subscribe': ['Number or address: must be filled in'],
  }

  for (const type of TYPES) {
    it(`${type}: a fresh node lacks only what nobody can know`, () => {
      assert.deepEqual(problems(type), MISSING[type] ?? [])
    })

    it(`${type}: validators declare two parameters, or Node-RED would not show their text`, () => {
      for (const [name, { validate }] of Object.entries(registered(type).definition.defaults)) {
        if (validate) assert.equal(validate.length, 2, name)
      }
    })
  }

  it('say what is wrong, with the name of the field', () => {
    assert.deepEqual(problems('sip-transport', { udpPort: '99999', bindAddress: 'localhost' }), [
      'UDP port: must be a port from 0 to 65535',
      'Local address: must be an IPv4 or IPv6 address',
    ])
    assert.deepEqual(problems('sip-proxy', { hops: ['sip:a;lr', 'b c'] }), [
      'Route: must be a proxy, such as proxy.example.com:5060 or sip:proxy.example.com',
    ])
    assert.deepEqual(problems('sip-dial', { ringTimeout: '0' }), ['Ring for: must be a number from 1 to 600'])
  })

  it('take the two ends of a range together', () => {
    assert.deepEqual(problems('sip-transport', { rtpPortMin: '20000', rtpPortMax: '20000' }), [
      'Last RTP port: must be greater than “First RTP port”',
    ])
    assert.deepEqual(problems('sip-gather', { minDigits: '4', maxDigits: '3' }), [
      'Most digits: must not be less than “Fewest digits”',
    ])
    assert.deepEqual(problems('sip-gather', { minDigits: '4', maxDigits: '4' }), [])
    assert.deepEqual(problems('sip-gather', { minDigits: `\${${'MIN'}}`, maxDigits: '4' }), [])
  })

  it('ask only for what the other settings make necessary', () => {
    const tone = { source: 'tone', hz: 'x', duration: '0', level: '1' }
    assert.equal(problems('sip-play-media', tone).length, 3)
    assert.equal(problems('sip-play-media', { ...tone, source: 'file', file: 'a.wav' }).length, 0)
    assert.equal(problems('sip-play-media', { ...tone, action: 'stop' }).length, 0)
    const account = { aor: 'alice@example.com', registrar: 'a b', expires: '1' }
    assert.equal(problems('sip-account', account).length, 2)
    // Calls to the own domain go to the registrar, also without a registration.
    assert.equal(problems('sip-account', { ...account, register: false }).length, 1)
    assert.equal(problems('sip-answer', { rejectStatus: '200' }).length, 0)
    assert.equal(problems('sip-answer', { rejectStatus: '200', action: 'reject' }).length, 1)
  })

  it('judge a typed value by its type', () => {
    assert.deepEqual(problems('sip-dial', { target: 'a b@', targetType: 'str' }), [
      'Target: must be a number, alice@example.com, sip:… or tel:…',
    ])
    assert.deepEqual(problems('sip-dial', { target: 'a b', targetType: 'msg' }), ['Invalid property expression'])
    assert.deepEqual(problems('sip-dial', { target: '', targetType: 'msg' }), ['Target: must be filled in'])
    assert.deepEqual(problems('sip-dial', { target: '$lookup(numbers, topic)', targetType: 'jsonata' }), [])
    assert.deepEqual(problems('sip-dial', { headers: '{"a b":"c"}' }), [
      'SIP headers: must be a JSON object of header names and texts',
    ])
  })

  it('judge what the open dialog shows, but only for the node that it edits', () => {
    showDialog('n1', { source: 'tone', hz: '425' })
    assert.deepEqual(problems('sip-play-media'), [])
    showDialog('another', { source: 'tone', hz: '425' })
    assert.deepEqual(problems('sip-play-media'), ['File: must be filled in'])
  })
})
