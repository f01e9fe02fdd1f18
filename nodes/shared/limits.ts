export { MAX_GATHER_DIGITS } from '../../src/base/limits.js'
