import assert from 'node:assert/strict'
import fc from 'fast-check'
import { bindingOf } from '../../../src/account/binding.js'
import type { SipResponse } from '../../../src/sip/types.js'

const INSTANCE = 'urn:uuid:00000000-0000-5000-8000-000000000001'

function accepted(headers: Record<string, string[]>): SipResponse {
  const find = (name: string): string[] => headers[name] ?? []
  return { status: 200, headers: find, header: (name: string) => find(name)[0] } as unknown as SipResponse
}

describe('the binding that a 2xx to REGISTER tells', () => {
  it('is kept by its flow if the registrar requires outbound (RFC 5626 6)', () => {
    assert.equal(bindingOf(accepted({}), INSTANCE).isOutbound, false)
    assert.equal(bindingOf(accepted({ Require: ['path, Outbound'] }), INSTANCE).isOutbound, true)
    assert.equal(bindingOf(accepted({ Supported: ['outbound'] }), INSTANCE).isOutbound, false)
  })

  it('has the public GRUU of our instance, and of no other (RFC 5627 4.2)', () => {
    const contact = (instance: string, gruu: string): string =>
      `<sip:a@192.0.2.1>;+sip.instance="<${instance}>";pub-gruu="${gruu}";expires=600`
    const ours = contact(INSTANCE.toUpperCase(), 'sip:a@example.com;gr=one')
    const other = contact('urn:uuid:other', 'sip:a@example.com;gr=two')
    assert.equal(bindingOf(accepted({ Contact: [`${other}, ${ours}`] }), INSTANCE).gruu, 'sip:a@example.com;gr=one')
    assert.equal(bindingOf(accepted({ Contact: [other] }), INSTANCE).gruu, undefined)
    for (const wrong of ['sip:a@example.com', 'sip:;gr', 'x\\"y', ''])
      assert.equal(bindingOf(accepted({ Contact: [contact(INSTANCE, wrong)] }), INSTANCE).gruu, undefined, wrong)
  })

  it('has the Service-Route in its order, or none if a part of it cannot be used (RFC 3608)', () => {
    const routes = ['<sip:one.example.com;lr>, <sip:two.example.com;lr>', '<sip:three.example.com;lr>']
    assert.deepEqual(bindingOf(accepted({ 'Service-Route': routes }), INSTANCE).serviceRoute, [
      '<sip:one.example.com;lr>',
      '<sip:two.example.com;lr>',
      '<sip:three.example.com;lr>',
    ])
    assert.deepEqual(bindingOf(accepted({ 'Service-Route': [...routes, '<tel:1>'] }), INSTANCE).serviceRoute, [])
    const many = Array.from({ length: 9 }, (_, n) => `<sip:${n}.example.com;lr>`)
    assert.deepEqual(bindingOf(accepted({ 'Service-Route': many }), INSTANCE).serviceRoute, [])
  })

  it('has the Flow-Timer in bounds (RFC 5626 10.1)', () => {
    const timer = (text: string) => bindingOf(accepted({ 'Flow-Timer': [text] }), INSTANCE).flowTimerMs
    assert.deepEqual(['120', ' 30 ', '1', '999999', '0', 'x'].map(timer), [
      120_000,
      30_000,
      10_000,
      3_600_000,
      undefined,
      undefined,
    ])
  })

  it('is read from any text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (contact, route, timer) => {
        bindingOf(accepted({ Contact: [contact], 'Service-Route': [route], 'Flow-Timer': [timer] }), INSTANCE)
      }),
    )
  })
})
