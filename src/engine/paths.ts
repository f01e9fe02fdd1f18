import { lstat, mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { TelephonyError } from '../base/errors.js'

/**
 * Names of media come from flows, and so perhaps from a caller or a web page. Every path must stay below the configured folders.
 * Symbolic links are resolved first.
 */

/** Finds a file to play: a name relative to one of the roots, in their order, or an absolute path below one of them. */
export async function findPlayFile(name: string, roots: readonly string[]): Promise<string> {
  refuseOddNames(name)
  let inside = false
  for (const root of roots) {
    const path = isAbsolute(name) ? resolve(name) : resolve(root, name)
    if (!isBelow(path, resolve(root))) continue
    inside = true
    const [real, realRoot] = await Promise.all([realpathOrNull(path), realpathOrNull(root)])
    if (real === null || realRoot === null) continue
    if (!isBelow(real, realRoot)) throw outside(name)
    // Reading a pipe or a device might never end.
    if ((await stat(real)).isFile()) return real
  }
  if (!inside) throw outside(name)
  throw new TelephonyError(
    'FILE_NOT_FOUND',
    `the file “${name}” does not exist in ${roots.map((root) => `“${root}”`).join(', ')}`,
  )
}

/** Path for a recording: makes folders below the root; the name always ends in `.wav`. */
export async function prepareRecordFile(name: string, root: string): Promise<string> {
  refuseOddNames(name)
  const named = extname(name).toLowerCase() === '.wav' ? name : `${name}.wav`
  const path = resolve(root, named)
  if (!isBelow(path, resolve(root))) throw outside(name)
  await mkdir(root, { recursive: true })
  const realRoot = await realpath(root)
  // Before a folder is made: the existing part of the path must not leave the root.
  if (!isBelow(await realpath(await deepestExisting(dirname(path))), realRoot, true)) throw outside(name)
  await mkdir(dirname(path), { recursive: true })
  const target = join(await realpath(dirname(path)), relative(dirname(path), path))
  const existing = await lstat(target).catch(() => null)
  if (existing && !existing.isFile()) throw outside(name)
  return target
}

/** `2026-01-31/081500-018f….wav`: sorts by time; a folder per day limits the files in each. */
export function recordName(at: Date, callId: string): string {
  const [day = '', time = ''] = at.toISOString().split('T')
  return join(day, `${time.slice(0, 8).replaceAll(':', '')}-${callId}.wav`)
}

function refuseOddNames(name: string): void {
  if (name.trim() === '')
    throw new TelephonyError('FILE_NOT_FOUND', 'the file name is empty. Use the name of a file in the media folder')
  if (name.includes('\0'))
    throw new TelephonyError('FILE_OUTSIDE_ROOT', 'the file name contains a NUL character. Use a plain file name')
  if (/^[a-z][a-z0-9+.-]+:/i.test(name) && !/^[a-z]:[\\/]/i.test(name)) {
    throw new TelephonyError('FILE_OUTSIDE_ROOT', `“${name}” is a URL. Use the name of a file`)
  }
}

export function isBelow(path: string, root: string, orSame = false): boolean {
  const way = relative(root, path)
  if (way === '') return orSame
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

async function deepestExisting(path: string): Promise<string> {
  const exists = await lstat(path).catch(() => null)
  return exists || dirname(path) === path ? path : deepestExisting(dirname(path))
}

const realpathOrNull = (path: string): Promise<string | null> => realpath(path).catch(() => null)

const outside = (name: string): TelephonyError =>
  new TelephonyError(
    'FILE_OUTSIDE_ROOT',
    `“${name}” is outside the folders for media and recordings. Use a path below one of them`,
  )
