/** Whole credentials lines, folded ones too (RFC 3261 7.3.1). */
const CREDENTIALS = /^((?:proxy-)?authorization[ \t]*:)(.*(?:\r\n[ \t].*)*)/gim
const SECRETS = /\b(response|nonce|cnonce)([ \t]*=[ \t]*)("(?:[^"\\]|\\.)*"|[^\s,]+)/gi

/** A message as it may be shown: the names in its credentials stay readable, the values that could be replayed or guessed from do not. */
export function maskCredentials(text: string): string {
  return text.replace(CREDENTIALS, (_, name: string, value: string) =>
    /^\s*digest\s/i.test(value) ? name + value.replace(SECRETS, '$1$2"***"') : `${name} ***`,
  )
}
