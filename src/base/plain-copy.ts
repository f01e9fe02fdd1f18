/**
 * A deep copy of plain JSON. For small objects it costs a fraction of structuredClone, which serialises everything. The spread
 * defines properties, so an own property named `__proto__` stays a property like any other.
 */
export function plainCopy<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plainCopy) as Value
  const copy = { ...value }
  for (const name in copy) {
    const inner = copy[name]
    if (typeof inner === 'object' && inner !== null) copy[name] = plainCopy(inner)
  }
  return copy
}
