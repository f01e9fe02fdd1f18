// Runs after tsc: copies form, help, catalogues and icons beside the compiled nodes, where Node-RED looks for them; makes the folder
// that the editor loads scripts from (resources); removes files from dist whose source is gone, so that no deleted
// test or node stays.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { filesBelow, root } from './setup.mjs'

const COPIED = ['.html', '.json', '.svg', '.css']
const COMPILED = ['.js.map', '.d.ts', '.js']
const dist = join(root, 'dist')
const kept = new Set()

copyNodeFiles()
mergeCatalogues()
copyIcons()
buildResources()
pruneDist()

function copyNodeFiles() {
  for (const file of filesBelow(join(root, 'nodes'))) {
    if (COPIED.some((end) => file.endsWith(end))) copy(file, join(dist, relative(root, file)))
  }
}

/** Node-RED gives each node its own catalogue: the common texts are kept once in the source and copied into each in dist. */
function mergeCatalogues() {
  const common = new Map()
  const english = new Map()
  for (const file of filesBelow(join(root, 'nodes', 'shared', 'locales'))) {
    common.set(basename(dirname(file)), JSON.parse(readFileSync(file, 'utf8')))
  }
  // English comes first: readers of the other languages look its statuses up.
  for (const file of filesBelow(join(root, 'nodes')).toSorted()) {
    const [, type, folder, lang] = relative(root, file).split(sep)
    if (folder !== 'locales' || type === 'shared' || !file.endsWith('.json')) continue
    const merged = merge(common.get(lang) ?? {}, JSON.parse(readFileSync(file, 'utf8')))
    if (lang === 'en-US') english.set(type, merged)
    else merged.statusText = Object.fromEntries(statusPairs(english.get(type) ?? {}, merged))
    writeFileSync(join(dist, relative(root, file)), `${JSON.stringify(merged, null, 2)}\n`)
  }
}

/** The words of statuses; `bad settings` has the label of the setting behind it. */
function statusPairs(from, to) {
  const labels = pairs(from.label ?? {}, to.label ?? {}).filter(([text]) => !/[.:]/.test(text)) // these cut a key of Node-RED
  return [...labels, ...pairs(from.status ?? {}, to.status ?? {})]
}

/** English texts with their translations, matched by key. The browser translates statuses, which the runtime sends in English. */
function pairs(from, to) {
  return Object.entries(from).flatMap(([key, text]) =>
    typeof text === 'string' ? [[text, to[key] ?? text]] : pairs(text, to[key] ?? {}),
  )
}

/** Merges objects; for other values the second one wins. */
function merge(base, own) {
  const isObject = (value) => typeof value === 'object' && value !== null
  if (!isObject(base) || !isObject(own)) return own
  const merged = { ...base }
  for (const [key, value] of Object.entries(own)) merged[key] = key in base ? merge(base[key], value) : value
  return merged
}

/** Files that the editor loads: scripts and style that the forms share, and each node's migrations. They are modules, so the browser resolves the imports. */
function buildResources() {
  const resources = join(root, 'resources')
  rmSync(resources, { recursive: true, force: true })
  mkdirSync(resources)
  const shared = filesBelow(join(root, 'nodes', 'shared', 'editor'))
  for (const file of [...shared, join(root, 'nodes', 'shared', 'migrate.ts')]) addResource(file, basename(file))
  for (const file of filesBelow(join(root, 'nodes'))) {
    if (basename(file) === 'migrations.ts' && !shared.includes(file)) {
      addResource(file, join(basename(dirname(file)), 'migrations.ts'))
    }
  }
}

/** All lie in one folder; each type's migrations have a folder of their own below it. */
function addResource(file, name) {
  const built = file.endsWith('.ts') ? join(dist, relative(root, file)).replace(/\.ts$/, '.js') : file
  const place = join(root, 'resources', name.replace(/\.ts$/, '.js'))
  mkdirSync(dirname(place), { recursive: true })
  const text = readFileSync(built, 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, '')
  writeFileSync(place, text.replace(/(from ')(\.\.\/)+/g, '$1./'))
}

/** Node-RED looks for a node's icon only in the folder `icons` beside its .js file. */
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
