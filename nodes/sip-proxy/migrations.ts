import type { Migrations } from '../shared/migrate.js'

/** A SIP URI without `lr` meant a strict router. Now every proxy is a loose one unless it is marked. */
function marked(proxy: string): string {
  const bare = proxy.replace(/^<(.*)>$/, '$1').trim()
  return /^sip:/i.test(bare) && !/;lr(?=[;=]|$)/i.test(bare) ? `${bare};strict` : proxy
}

export const migrations: Migrations = {
  2: ({ hops, ...rest }) => ({
    ...rest,
    hops: [hops ?? []]
      .flat()
      .flatMap((entry) => String(entry).split(','))
      .map((proxy) => proxy.trim())
      .filter((proxy) => proxy !== '')
      .map(marked),
  }),
}
