export const defaults = {
  version: 1,
  name: '',
  account: '',
  /** `flow`: the flow decides by sip-answer; `answer`: by itself, after ringTime; `reject`: with rejectStatus. */
  mode: 'flow' as 'flow' | 'answer' | 'reject',
  sendRinging: true,
  /** Seconds that the flow has to decide; then 480. */
  decide: '20',
  rejectStatus: '486',
  /** Seconds that a call rings before it is answered in mode `answer`; 0: at once. */
  ringTime: '0',
}
export type Config = typeof defaults
