import type { IncomingRequestMessage, UserAgentCore } from 'sip.js/lib/core/index.js'

/** RFC 3261 8.2.6.1: 100 Trying, with the request's Timestamp, which sip.js leaves out. */
export function sendTrying(core: UserAgentCore, request: IncomingRequestMessage): void {
  const timestamp = request.getHeader('timestamp')
  core.replyStateless(request, {
    statusCode: 100,
    extraHeaders: timestamp === undefined ? [] : [`Timestamp: ${timestamp}`],
  })
}
