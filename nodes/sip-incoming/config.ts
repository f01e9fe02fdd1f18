export const defaults = {
  version: 1,
  name: '',
  account: '',
  /** `flow`: the flow decides by sip-answer; `answer`: at once; `reject`: with rejectStatus. */
  mode: 'flow' as 'flow' | 'answer' | 'reject',
  sendRinging: true,
  /** Seconds that the flow has to decide; then 480. */
  decide: '20',
  rejectStatus: '486',
}
export type Config = typeof defaults
