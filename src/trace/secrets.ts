/** Shorter ones occur in ordinary text by chance: masking them would make lines unreadable and give them away. */
const MIN_LENGTH = 4

/** Passwords that are in use: wherever one turns up in a text that leaves the engine, it is masked. */
export class Secrets {
  readonly #uses = new Map<string, number>()

  /** Returns the function that forgets it again. */
  add(secret: string): () => void {
    if (secret.length < MIN_LENGTH) return () => {}
    this.#uses.set(secret, (this.#uses.get(secret) ?? 0) + 1)
    let added = true
    return () => {
      if (!added) return
      added = false
      const uses = (this.#uses.get(secret) ?? 1) - 1
      if (uses > 0) this.#uses.set(secret, uses)
      else this.#uses.delete(secret)
    }
  }

  mask(text: string): string {
    let masked = text
    for (const secret of this.#uses.keys()) {
      for (const spelling of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]) {
        if (masked.includes(spelling)) masked = masked.replaceAll(spelling, '[secret]')
      }
    }
    return masked
  }
}
