/** What node wrappers need of `src/base`; they import it from here only. */
export { type ErrorCode, TelephonyError } from '../../src/base/errors.js'
export { newId } from '../../src/base/ids.js'
