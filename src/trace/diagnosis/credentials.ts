import type { LadderStep } from '../ladder.js'
import { headersOf } from '../sip-text.js'
import type { Evidence, Finding } from './finding.js'

/** RFC 3261 22: a challenge, and whether it was answered. */
export function credentialFindings({ steps }: Evidence): Finding[] {
  const challenges = steps.filter(({ sip, isRetransmission }) => isChallenge(sip.status) && !isRetransmission)
  const last = challenges.at(-1)
  if (last) {
    // A later success shows that the credentials were accepted.
    if (steps.some(({ sip, message }) => message.at >= last.message.at && isSuccess(sip.status))) return []
    const finding = afterChallenge(steps, last)
    return finding ? [finding] : []
  }
  return []
}

function afterChallenge(steps: readonly LadderStep[], last: LadderStep): Finding | undefined {
  const challenge = challengeOf(last.message.text)
  const realm = paramOf(challenge, 'realm')
  const answered = requestOf(steps, last)
  const sent = answered ? credentialsOf(answered.message.text) : ''
  const later = steps.find(
    ({ sip, message }) =>
      sip.status === undefined &&
      sip.method !== 'ACK' &&
      message.at >= last.message.at &&
      credentialsOf(message.text) !== '' &&
      message !== answered?.message,
  )
  if (sent === '' && later) return forbiddenAfter(steps, later)
  const sentRealm = paramOf(sent, 'realm')
  if (sent === '' || sentRealm !== realm) {
    return {
      code: 'wrong-realm',
      text:
        sent === ''
          ? `the server ${last.from} asked for credentials of the realm “${realm}”, and none were sent`
          : `the server ${last.from} asked for credentials of the realm “${realm}”, but those of “${sentRealm}” were sent`,
      advice: `Set the user name and the password of this server. Leave the realm empty, or set it to ${realm}.`,
    }
  }
  // RFC 7616 3.3: only the nonce was too old.
  if (/stale\s*=\s*"?true/i.test(challenge)) return undefined
  return wrongPassword(last, paramOf(sent, 'username'))
}

/** Some servers answer wrong credentials with 403. */
function forbiddenAfter(steps: readonly LadderStep[], request: LadderStep): Finding | undefined {
  const refused = steps.find(({ sip, message }) => sip.status === 403 && message.at >= request.message.at)
  return refused && wrongPassword(refused, paramOf(credentialsOf(request.message.text), 'username'))
}

const wrongPassword = ({ from, sip }: LadderStep, user: string): Finding => ({
  code: 'wrong-password',
  text: `the server ${from} refused the password of the user “${user}” (${sip.status})`,
  advice: 'Check the password, and the user name for signing in: some servers want another one than the number.',
})

const isChallenge = (status: number | undefined): boolean => status === 401 || status === 407
const isSuccess = (status: number | undefined): boolean => status !== undefined && status >= 180 && status < 300

const challengeOf = (text: string): string =>
  [...headersOf(text, 'www-authenticate'), ...headersOf(text, 'proxy-authenticate')][0] ?? ''
const credentialsOf = (text: string): string =>
  [...headersOf(text, 'authorization'), ...headersOf(text, 'proxy-authorization')].at(-1) ?? ''

function paramOf(value: string, name: string): string {
  const [, quoted, plain] = new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]{0,256})"|([^\\s,]{1,256}))`, 'i').exec(value) ?? []
  return quoted ?? plain ?? ''
}

/** The request that a response answers. */
function requestOf(steps: readonly LadderStep[], { sip }: LadderStep): LadderStep | undefined {
  return steps.find(
    (step) => step.sip.status === undefined && step.sip.branch === sip.branch && step.sip.cseq === sip.cseq,
  )
}
