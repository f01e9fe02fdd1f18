// Who may import whom, as data. `npm run check` runs it over src and nodes; test/unit/project/import-rules.test.ts shows that
// each kind of violation is noticed. A new folder in src needs a row here: without one nothing may be imported from it.

/** Part of src → what it may import beside itself. `typesOf`: by `import type` only. Names are regular expressions below src/. */
const MAY_IMPORT = {
  'base/': [],
  'trace/': ['base/'],
  'sdp/': ['base/'],
  'stun/': ['base/'],
  'sip/': ['trace/', 'stun/', 'base/'],
  'sip/message/': ['sip/uri/', 'base/', { typesOf: 'sip/(types|transport/flow)\\.ts' }],
  'sip/transaction/': ['sip/(message|uri)/', 'base/', { typesOf: 'sip/(types|transport/flow)\\.ts' }],
  // A dialog is the same whatever made it: INVITE, and later SUBSCRIBE. What sends its requests stands above it.
  'sip/dialog/': [
    'sip/(message|uri)/',
    'sip/transport/reach\\.ts',
    'base/',
    { typesOf: 'sip/(types|server-request)\\.ts' },
  ],
  // Requests in general, with credentials and handlers. `sip/invite` stands above it.
  'sip/user-agent/': ['sip/(?!invite/|accounts|account-user-agent|stack|endpoint|dispatcher)', 'base/'],
  'sip/invite/': ['sip/(?!accounts|account-user-agent|stack|endpoint|dispatcher)', 'base/'],
  'sip/subscription/': ['sip/(?!invite/|accounts|account-user-agent|stack|endpoint|dispatcher)', 'base/'],
  'sip/digest/': ['base/', { typesOf: 'sip/types\\.ts' }],
  'sip/uri/': ['base/'],
  // Certificates and their checks: of TLS and of WebSockets over TLS.
  'sip/transport/tls/': ['base/', { typesOf: 'sip/types\\.ts' }],
  'sip/dns/': ['sip/uri/', 'base/', { typesOf: 'sip/types\\.ts' }],
  'media/(?!worker/)': ['media/', 'trace/', 'base/'],
  'media/worker/': [
    'media/(?!(client|media-workers|media-thread|port-leases|remote-media-session|rpc-worker)\\.ts)',
    'base/',
    { typesOf: 'trace/' },
  ],
  'media/rtp/': ['base/'],
  'media/codec/': ['base/'],
  'media/dtmf/': ['media/rtp/', 'base/'],
  'media/graph/': ['media/(rtp|codec|dtmf)/', 'base/'],
  'media/detect/': ['media/(rtp|codec|dtmf)/', 'base/'],
  // `sip/types.ts` is the door of the SIP stack. Beside it the layers above may read texts of SIP with its parsers.
  'account/': ['sip/(types\\.ts|uri/|digest/|message/(list|via)\\.ts|admission/address-set\\.ts)', 'trace/', 'base/'],
  'call/': [
    'account/',
    'sip/(types\\.ts|uri/|message/(list|status-fragment|custom-headers)\\.ts)',
    'sdp/',
    'media/(client|protocol)\\.ts',
    'trace/',
    'base/',
  ],
  // What an account does outside of calls: messages, pings, subscriptions.
  'outside/': ['account/', 'presence/', 'sip/(types\\.ts|uri/|message/(list|custom-headers)\\.ts)', 'trace/', 'base/'],
  // Documents of event packages: readers and writers.
  'presence/': ['sip/message/status-fragment\\.ts', 'base/'],
  'server/': ['sip/', 'call/', 'store/', 'trace/', 'base/'],
  'speech/': ['trace/', 'base/'],
  'store/': ['trace/', 'base/'],
  'cdr/': ['store/', 'trace/', 'base/', 'call/cdr-record\\.ts', { typesOf: 'call/' }],
  'work/': ['call/', 'account/', 'store/', 'speech/', 'trace/', 'base/'],
  'engine/': ['(?!admin/|cli/|media/worker/|sip/)', 'sip/(types|endpoint|uri/replaces)\\.ts', 'sip/dns/'],
  'admin/': [{ typesOf: 'engine/' }],
  'cli/': ['engine/', 'trace/', 'base/'],
}

const OURS = '^(src|nodes|test|bench|scripts)/'
const PURE =
  '^src/(sip/(message|digest|uri|transaction|dialog|user-agent|invite|subscription)|presence|sdp|media/(rtp|codec|dtmf|graph|detect))/'
const FOLDERS =
  '^src/(base|trace|sdp|stun|sip|media|account|call|outside|presence|server|speech|store|cdr|work|engine|admin|cli)/'

function rulesOf([from, may]) {
  const any = may.filter((m) => typeof m === 'string')
  const types = may.filter((m) => typeof m === 'object').map((m) => m.typesOf)
  const name = from.replace(/\/?(\(.*\))?$/, '')
  const allowed = [from, ...any, ...types].map((to) => `^src/${to}`)
  const rules = [forbid(`${name}-imports`, `^src/${from}`, { path: OURS, pathNot: allowed })]
  for (const to of types) {
    const pathNot = any.map((whole) => `^src/${whole}`)
    const target = { path: `^src/${to}`, dependencyTypesNot: ['type-only'], ...(pathNot.length > 0 && { pathNot }) }
    rules.push(forbid(`${name}-types-only`, `^src/${from}`, target))
  }
  return rules
}

function forbid(name, from, to) {
  return { name, severity: 'error', from: typeof from === 'string' ? { path: from } : from, to }
}

module.exports = {
  forbidden: [
    ...Object.entries(MAY_IMPORT).flatMap(rulesOf),
    forbid('src-folder-without-a-row', { path: '^src/', pathNot: FOLDERS }, { path: '.' }),
    forbid('pure-no-io', PURE, {
      dependencyTypes: ['core'],
      path: '^(node:)?(net|dgram|dns|tls|https?|http2|fs|timers|os|child_process|worker_threads|perf_hooks|process)(/|$)',
    }),
    forbid('dns-io-at-its-edge', '^src/sip/dns/(?!(dns-sockets|system-names)\\.ts)', {
      dependencyTypes: ['core'],
      path: '^(node:)?(dgram|dns|fs|timers|process)(/|$)',
    }),
    forbid('sip-js-is-for-the-browser', '^src/(?!web/)', { path: 'node_modules/sip\\.js' }),
    forbid('src-knows-no-node-red', '^src/', { path: 'node_modules/(@node-red|node-red|@types/node-red)' }),
    forbid('node-imports', '^nodes/(?!shared/|sidebar/)([^/]+)/', {
      path: OURS,
      pathNot: ['^nodes/shared/', '^nodes/$1/', '^src/engine/client\\.ts$'],
      dependencyTypesNot: ['type-only'],
    }),
    // The editor brings nodes of all types up to date.
    forbid('nodes-shared-imports', '^nodes/shared/', {
      path: OURS,
      pathNot: ['^nodes/shared/', '^nodes/sip-[^/]+/migrations\\.ts$', '^src/engine/client\\.ts$', '^src/base/'],
      dependencyTypesNot: ['type-only'],
    }),
    forbid('sidebar-imports', '^nodes/sidebar/', {
      path: OURS,
      pathNot: ['^nodes/(shared|sidebar)/', '^src/engine/client\\.ts$', '^src/admin/'],
      dependencyTypesNot: ['type-only'],
    }),
    forbid('no-cycles', {}, { circular: true }),
    forbid('no-unresolvable', {}, { couldNotResolve: true }),
    forbid('no-dev-dependency', '^(src|nodes)/', {
      dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
      dependencyTypesNot: ['type-only'],
    }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
