/** The labels of a dialog's fields, from the node's English catalogue, because errors are in English. */
import { readFileSync } from 'node:fs'
import type { Labels } from './errors.js'

const known = new Map<string, Record<string, string>>()

/** Returns the name of a field that has no label. Reads the catalogue when the first error needs it. */
export const labelsOf =
  (type: string): Labels =>
  (field) =>
    catalogueOf(type)[field] ?? field

function catalogueOf(type: string): Record<string, string> {
  const labels = known.get(type) ?? readLabels(type)
  known.set(type, labels)
  return labels
}

/** This file runs as dist/nodes/shared/labels.js; the build copies the catalogue next to each node. */
function readLabels(type: string): Record<string, string> {
  try {
    const file = new URL(`../${type}/locales/en-US/${type}.json`, import.meta.url)
    return (JSON.parse(readFileSync(file, 'utf8')) as { label?: Record<string, string> }).label ?? {}
  } catch {
    return {}
  }
}
