/** Settings of older versions, brought up to date. Runs in the node's constructor and, with the same code, in the editor. */

/** The steps of one node type: `steps[2]` takes settings of version 1 to version 2. */
export type Migrations = { readonly [to: number]: (older: Record<string, unknown>) => Record<string, unknown> }

/** Every field of `defaults` filled in; fields that are no settings (id, wires …) are left out. */
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
