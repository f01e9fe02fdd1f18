/** The defaults are in `shared`, because an account without a transport uses them as well. */
export { type Config, type Credentials, defaults } from '../shared/transport-config.js'
