import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let path: string | undefined

/** Configurations, logs, recordings and captures of one run. Removed at its end, kept when a test failed. */
export const peerFolder = {
  get path(): string {
    path ??= mkdtempSync(join(tmpdir(), 'ringflow-peers-'))
    return path
  },

  file(name: string): string {
    return join(this.path, name)
  },

  /** An empty folder. */
  folder(name: string): string {
    const folder = this.file(name)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    return folder
  },

  remove(): void {
    if (path) rmSync(path, { recursive: true, force: true })
    path = undefined
  },
}
