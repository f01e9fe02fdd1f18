import type { Dir, Dirent } from 'node:fs'
import { opendir, realpath, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { isBelow } from './paths.js'
import type { MediaFiles } from './protocol.js'

const MAX_FILES = 1_000
/** Depth of folders below a root. */
const MAX_DEPTH = 5
/** Limits the search in a very large media folder, such as `/srv`. */
const MAX_ENTRIES = 20_000
const EXTENSIONS = new Set(['.wav', '.wave'])

interface Folder {
  /** Relative to its root, `/` between its parts; '' for the root itself. */
  name: string
  depth: number
}

/** Lists the files that `findPlayFile` finds by these names, the least deep first. Skips hidden files and linked folders. */
export async function listMediaFiles(roots: readonly string[]): Promise<MediaFiles> {
  const listing = new Listing()
  for (const [folder, root] of roots.entries()) await listing.add(root, folder)
  return { folders: [...roots], files: listing.files, truncated: listing.truncated }
}

class Listing {
  readonly files: MediaFiles['files'] = []
  truncated = false
  /** Names of earlier roots: a file with the same name in a later root is never played. */
  readonly #names = new Set<string>()
  #entries = 0

  async add(root: string, folder: number): Promise<void> {
    const realRoot = await realpath(root).catch(() => null)
    if (realRoot === null) return
    const waiting: Folder[] = [{ name: '', depth: 0 }]
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { names, folders } = await this.#look(realRoot, next)
      for (const name of names.sort()) this.#take(name, folder)
      waiting.push(...folders.sort((a, b) => (a.name < b.name ? -1 : 1)))
    }
  }

  #take(name: string, folder: number): void {
    if (this.#names.has(name)) return
    if (this.files.length === MAX_FILES) {
      this.truncated = true
      return
    }
    this.#names.add(name)
    this.files.push({ name, folder })
  }

  async #look(realRoot: string, folder: Folder): Promise<{ names: string[]; folders: Folder[] }> {
    const names: string[] = []
    const folders: Folder[] = []
    const dir = await opendir(join(realRoot, folder.name)).catch(() => null)
    // The loop closes the directory.
    for await (const entry of dir ? this.#bounded(dir) : []) {
      if (entry.name.startsWith('.')) continue
      const name = folder.name === '' ? entry.name : `${folder.name}/${entry.name}`
      if (entry.isDirectory()) {
        if (folder.depth < MAX_DEPTH) folders.push({ name, depth: folder.depth + 1 })
        else this.truncated = true
      } else if (EXTENSIONS.has(extname(name).toLowerCase()) && (await isFileOf(realRoot, name, entry))) {
        names.push(name)
      }
    }
    return { names, folders }
  }

  async *#bounded(dir: Dir): AsyncGenerator<Dirent> {
    for await (const entry of dir) {
      if (this.#entries++ >= MAX_ENTRIES) {
        this.truncated = true
        return
      }
      yield entry
    }
  }
}

/** True also for a link to a file below the root. */
async function isFileOf(realRoot: string, name: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isFile()
  const real = await realpath(join(realRoot, name)).catch(() => null)
  if (real === null || !isBelow(real, realRoot)) return false
  return (await stat(real).catch(() => null))?.isFile() ?? false
}
