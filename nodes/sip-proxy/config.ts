export const defaults = {
  version: 2,
  name: '',
  /** Ordered route set: `sip:proxy.example.com:5060`, `proxy.example.com`; `;strict` marks a strict router. */
  hops: [] as string[],
}
export type Config = typeof defaults
