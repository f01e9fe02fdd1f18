/** A file that a node's settings name is looked up at the deploy, not only when a caller is to hear it. */
import { TelephonyError } from './errors.js'
import type { FlowNode } from './flow-node.js'
import { errorStatus } from './status.js'
import { telephony } from './telephony.js'

const FILE_ERRORS: readonly string[] = ['FILE_NOT_FOUND', 'FILE_OUTSIDE_ROOT', 'BAD_AUDIO']

/** Warns if the file is missing, and shows a status until it has been played. The file may be added later, so the settings are valid. */
export function checkFixedFile(node: FlowNode<unknown>, { file, type }: { file: string; type: string }): void {
  if (type !== 'str' || file.trim() === '') return
  void telephony.deploys
    .settled()
    .then(() => node.engine('checkMedia', { file: file.trim() }))
    .catch((thrown: unknown) => {
      const { code, message } = TelephonyError.from(thrown)
      // Without an account there is no engine, so nothing can be played.
      if (!FILE_ERRORS.includes(code) || telephony.live.get(node.id) !== node) return
      node.setFault(errorStatus(thrown))
      node.node.warn(`${message} [${code}]`)
    })
}
