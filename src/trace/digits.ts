import { headerOf } from './sip-text.js'

const DIGIT = /^(\s*signal\s*=\s*).*$/gim

/** A message as it may be shown: the digit of an INFO may be a part of a PIN. */
export function maskedDigits(text: string): string {
  if (!text.startsWith('INFO ')) return text
  const bodyAt = text.indexOf('\r\n\r\n') + 4
  if (bodyAt < 4) return text
  const type = headerOf(text, 'content-type') ?? ''
  if (/^application\/dtmf\b(?!-)/i.test(type)) return `${text.slice(0, bodyAt)}${'*'.repeat(text.length - bodyAt)}`
  if (!/^application\/dtmf-relay/i.test(type)) return text
  return (
    text.slice(0, bodyAt) + text.slice(bodyAt).replace(DIGIT, (line, name: string) => name.padEnd(line.length, '*'))
  )
}
