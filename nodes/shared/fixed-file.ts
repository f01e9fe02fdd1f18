/** A file whose name stands in a node's settings is looked for at the deploy, not only when a caller is to hear it. */
import { TelephonyError } from './errors.js'
import type { FlowNode } from './flow-node.js'
import { errorStatus } from './status.js'
import { telephony } from './telephony.js'

const FILE_ERRORS: readonly string[] = ['FILE_NOT_FOUND', 'FILE_OUTSIDE_ROOT', 'BAD_AUDIO']

/** Warns, and shows it until the file has been played: it may come later, so the settings are not wrong. */
export function checkFixedFile(node: FlowNode<unknown>, { file, type }: { file: string; type: string }): void {
  if (type !== 'str' || file.trim() === '') return
  void telephony.deploys
    .settled()
    .then(() => node.engine('checkMedia', { file: file.trim() }))
    .catch((thrown: unknown) => {
      const { code, message } = TelephonyError.from(thrown)
      // Without an account there is no engine, and nothing will be played.
      if (!FILE_ERRORS.includes(code) || telephony.live.get(node.id) !== node) return
      node.setFault(errorStatus(thrown))
      node.node.warn(`${message} [${code}]`)
    })
}
