// After tsc: puts beside the compiled nodes what Node-RED looks for there (form, help, catalogues, icons), and removes from
// dist what no longer has a source, so that no deleted test or node lives on.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { filesBelow, root } from './setup.mjs'

const COPIED = ['.html', '.json', '.svg', '.css']
const COMPILED = ['.js.map', '.d.ts', '.js']
const dist = join(root, 'dist')
const kept = new Set()

copyNodeFiles()
copyIcons()
pruneDist()

function copyNodeFiles() {
  for (const file of filesBelow(join(root, 'nodes'))) {
    if (COPIED.some((end) => file.endsWith(end))) copy(file, join(dist, relative(root, file)))
  }
}

/** Node-RED looks for a node's icon in the folder `icons` beside its .js only. */
function copyIcons() {
  const icons = filesBelow(join(root, 'icons')).filter((file) => file.endsWith('.svg'))
  const folders = new Set(
    filesBelow(join(root, 'nodes'))
      .filter((f) => f.endsWith('.html'))
      .map(dirname),
  )
  for (const folder of folders) {
    const form = join(folder, `${basename(folder)}.html`)
    if (!existsSync(form)) continue
    const html = readFileSync(form, 'utf8')
    for (const icon of icons) {
      if (html.includes(basename(icon))) copy(icon, join(dist, relative(root, folder), 'icons', basename(icon)))
    }
  }
}

function copy(from, to) {
  kept.add(to)
  if (existsSync(to) && readFileSync(from).equals(readFileSync(to))) return
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
}

function pruneDist() {
  for (const file of filesBelow(dist)) {
    if (dirname(file) === dist || kept.has(file)) continue
    const end = COMPILED.find((suffix) => file.endsWith(suffix))
    const source = end && join(root, `${relative(dist, file).slice(0, -end.length)}.ts`)
    if (!source || !existsSync(source)) rmSync(file)
  }
}
