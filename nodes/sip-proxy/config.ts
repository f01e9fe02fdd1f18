export const defaults = {
  version: 1,
  name: '',
  /** Ordered route set: `sip:proxy.example.com:5060;lr`, `proxy.example.com`. */
  hops: [] as string[],
}
export type Config = typeof defaults
