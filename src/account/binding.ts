import { splitList } from '../sip/message/list.js'
import type { AccountBinding, SipResponse } from '../sip/types.js'
import { parseNameAddress } from '../sip/uri/name-address.js'
import { unquote } from '../sip/uri/params.js'

/** What a registrar has told with its 2xx to REGISTER. */
export interface Binding extends AccountBinding {
  /** Longest time between two keep-alives (RFC 5626 10.1), in ms. */
  flowTimerMs?: number
}

/** A route of more proxies would not fit into a datagram. */
const MAX_ROUTES = 8
const MIN_FLOW_TIMER_SEC = 10
const MAX_FLOW_TIMER_SEC = 3_600

/** `instance`: the URN of our `+sip.instance`. */
export function bindingOf(response: SipResponse, instance: string): Binding {
  const required = response.headers('Require').flatMap((value) => value.toLowerCase().split(/[\s,]+/))
  const serviceRoute = response.headers('Service-Route').flatMap(splitList)
  const gruu = gruuOf(response, instance)
  const flowTimerMs = flowTimerOf(response)
  return {
    isOutbound: required.includes('outbound'),
    // A value that is not a route cannot be left out of the middle of a route.
    serviceRoute: serviceRoute.length <= MAX_ROUTES && serviceRoute.every(isRoute) ? serviceRoute : [],
    ...(gruu === undefined ? {} : { gruu }),
    ...(flowTimerMs === undefined ? {} : { flowTimerMs }),
  }
}

const isRoute = (text: string): boolean => (parseNameAddress(text)?.uri.host ?? '') !== ''

/** RFC 5627 4.2: the public GRUU stands at the Contact with our instance. */
function gruuOf(response: SipResponse, instance: string): string | undefined {
  for (const text of response.headers('Contact').flatMap(splitList)) {
    const params = parseNameAddress(text)?.params
    if (unquote(params?.get('+sip.instance') ?? '').toLowerCase() !== `<${instance}>`) continue
    const gruu = unquote(params?.get('pub-gruu') ?? '')
    const uri = parseNameAddress(`<${gruu}>`)?.uri
    if (uri && uri.host !== '' && uri.params.has('gr')) return uri.text
  }
  return undefined
}

function flowTimerOf(response: SipResponse): number | undefined {
  const text = response.header('Flow-Timer')?.trim() ?? ''
  const sec = /^\d{1,6}$/.test(text) ? Number(text) : 0
  return sec > 0 ? Math.min(Math.max(sec, MIN_FLOW_TIMER_SEC), MAX_FLOW_TIMER_SEC) * 1000 : undefined
}
