/** What a promise came to, for CI's log. */
export function tell(what: string, figure: string, promise: string): void {
  console.log(`      ${what}: ${figure} (${promise})`)
}

/** A percentile of values in any order; NaN if there are none. */
export function percentile(values: readonly number[], share: number): number {
  const ascending = [...values].sort((a, b) => a - b)
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? Number.NaN
}

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`
export const mb = (octets: number): string => `${(octets / 2 ** 20).toFixed(1)} MB`

/** A run that is asked for by hand takes as long as it takes; CI gets the short form. */
export const LONG = process.env.RINGFLOW_LONG === '1'
