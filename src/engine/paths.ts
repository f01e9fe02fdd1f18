import { lstat, mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { TelephonyError } from '../base/errors.js'

/**
 * Names of media come from flows, and so maybe from a caller or a web page: they stay below the folders that the owner named, whatever
 * they spell. Symbolic links count by where they lead to.
 */

/** A file to be played: relative to one of the roots, searched in order, or absolute below one of them. */
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
    // A pipe or a device would keep the reader waiting for ever.
    if ((await stat(real)).isFile()) return real
  }
  if (!inside) throw outside(name)
  throw new TelephonyError('FILE_NOT_FOUND', `no file “${name}” in ${roots.map((root) => `“${root}”`).join(', ')}`)
}

/** Where to record: folders below the root are made; the name ends in `.wav`, whatever was given. */
export async function prepareRecordFile(name: string, root: string): Promise<string> {
  refuseOddNames(name)
  const named = extname(name).toLowerCase() === '.wav' ? name : `${name}.wav`
  const path = resolve(root, named)
  if (!isBelow(path, resolve(root))) throw outside(name)
  await mkdir(root, { recursive: true })
  const realRoot = await realpath(root)
  // Before anything is made: the part of the way that exists must not leave the root.
  if (!isBelow(await realpath(await deepestExisting(dirname(path))), realRoot, true)) throw outside(name)
  await mkdir(dirname(path), { recursive: true })
  const target = join(await realpath(dirname(path)), relative(dirname(path), path))
  const existing = await lstat(target).catch(() => null)
  if (existing && !existing.isFile()) throw outside(name)
  return target
}

/** `2026-01-31/081500-018f….wav`: sorts by time, and one folder never holds too many. */
export function recordName(at: Date, callId: string): string {
  const [day = '', time = ''] = at.toISOString().split('T')
  return join(day, `${time.slice(0, 8).replaceAll(':', '')}-${callId}.wav`)
}

function refuseOddNames(name: string): void {
  if (name.trim() === '') throw new TelephonyError('FILE_NOT_FOUND', 'no file name was given')
  if (name.includes('\0')) throw new TelephonyError('FILE_OUTSIDE_ROOT', 'a file name cannot hold NUL')
  if (/^[a-z][a-z0-9+.-]+:/i.test(name) && !/^[a-z]:[\\/]/i.test(name)) {
    throw new TelephonyError('FILE_OUTSIDE_ROOT', `“${name}”: give a file name; URLs are not taken`)
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
  new TelephonyError('FILE_OUTSIDE_ROOT', `“${name}” is not below a folder that media may come from or go to`)
