/** Shorter passwords occur in ordinary text by chance: masking them would make lines unreadable and reveal them. */
const MIN_LENGTH = 4

/** The passwords in use. Each is masked in every text that leaves the engine. */
export class Secrets {
  readonly #uses = new Map<string, number>()

  /** Returns the function that removes the password again. */
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
