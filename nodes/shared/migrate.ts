/** Upgrades settings of older versions. The same code runs in the node's constructor and in the editor. */

/** The steps of one node type: `steps[2]` takes settings of version 1 to version 2. */
export type Migrations = { readonly [to: number]: (older: Record<string, unknown>) => Record<string, unknown> }

/** Returns the settings with every field of `defaults`, and without other fields (id, wires …). */
export function migrate<Config extends { version: number }>(
  stored: Record<string, unknown>,
  defaults: Config,
  steps: Migrations,
): Config {
  let settings = { ...stored }
  const storedVersion = Number(stored.version ?? 1)
  for (let version = storedVersion + 1; version <= defaults.version; version++) {
    settings = steps[version]?.(settings) ?? settings
  }
  const known = Object.keys(defaults).map((key) => [key, settings[key] ?? defaults[key as keyof Config]])
  return { ...(Object.fromEntries(known) as Config), version: defaults.version }
}
