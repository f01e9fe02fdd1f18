/** They lie with what all nodes share: an account without a transport uses the defaults. */
export { type Config, defaults } from '../shared/transport-config.js'
