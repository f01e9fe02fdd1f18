/** Closed until the ACK to the INVITE that made a call has been sent or received: before that neither BYE nor re-INVITE may leave (RFC 3261 14.1, 15). */
export class AckGate {
  #waiting: Set<() => void> | undefined = new Set()

  /** Resolves at once after `open`, and when the signal aborts. */
  wait(signal?: AbortSignal): Promise<void> {
    const waiting = this.#waiting
    if (!waiting || signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const go = (): void => {
        waiting.delete(go)
        signal?.removeEventListener('abort', go)
        resolve()
      }
      waiting.add(go)
      signal?.addEventListener('abort', go)
    })
  }

  /** The ACK has been sent or has come, or does not matter any more. Idempotent. */
  open(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    for (const go of waiting ?? []) go()
  }
}
