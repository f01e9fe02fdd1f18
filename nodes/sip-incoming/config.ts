export const defaults = {
  version: 1,
  name: '',
  account: '',
  /** `flow`: the flow decides with sip-answer; `answer`: the node answers after ringTime; `reject`: the node rejects with rejectStatus. */
  mode: 'flow' as 'flow' | 'answer' | 'reject',
  sendRinging: true,
  /** Time for the flow to decide, in seconds; then the caller gets 480. */
  decide: '20',
  rejectStatus: '486',
  /** Mode `flow`: a call of a known peer that asks for it (intercom) is answered at once. */
  autoAnswer: false,
  /** Seconds that a call rings before mode `answer` answers it; 0 answers at once. */
  ringTime: '0',
}
export type Config = typeof defaults
