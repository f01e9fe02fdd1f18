import type { SrvRecord } from './records.js'

/** A number from 0 (included) to 1 (excluded). */
export type Random = () => number

/** The records in groups of equal priority, the best group first; each group in a random order that its weights decide (RFC 2782). */
export function srvGroups(records: readonly SrvRecord[], random: Random): SrvRecord[][] {
  const byPriority = new Map<number, SrvRecord[]>()
  for (const record of records) {
    const group = byPriority.get(record.priority)
    if (group) group.push(record)
    else byPriority.set(record.priority, [record])
  }
  const groups = [...byPriority].toSorted(([a], [b]) => a - b)
  return groups.map(([, group]) => byWeight(group, random))
}

/**
 * RFC 2782, Weight: records without weight stand first; a random number from 0 to the sum of the weights, both included, selects the first
 * record whose running sum reaches it; the same again with the rest.
 */
function byWeight(group: readonly SrvRecord[], random: Random): SrvRecord[] {
  const left = group.toSorted((a, b) => Number(a.weight > 0) - Number(b.weight > 0))
  const chosen: SrvRecord[] = []
  while (left.length > 0) {
    const sum = left.reduce((total, { weight }) => total + weight, 0)
    const mark = Math.floor(random() * (sum + 1))
    let running = 0
    const index = left.findIndex((record) => {
      running += record.weight
      return running >= mark
    })
    chosen.push(...left.splice(index, 1))
  }
  return chosen
}
