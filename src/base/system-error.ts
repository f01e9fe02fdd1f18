import { getSystemErrorMap } from 'node:util'

/** The operating system's own words for an error: `too many open files (EMFILE)`. */
export function systemReason(error: unknown): string {
  const { code, errno, message } = error as NodeJS.ErrnoException
  const words = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]
  return words === undefined ? String(message ?? error) : `${words} (${code})`
}
