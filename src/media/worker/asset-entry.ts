/** The asset worker: decoding, resampling and encoding, away from the thread that keeps time. */
import { parentPort } from 'node:worker_threads'
import { serveRpc } from '../../base/rpc.js'
import { PromptStore } from '../file/prompt-store.js'
import type { AssetCommands } from '../protocol.js'

const CACHE_OCTETS = 64 * 1024 * 1024

if (parentPort) {
  const store = new PromptStore({ maxOctets: CACHE_OCTETS })
  serveRpc<AssetCommands, Record<string, never>>(parentPort, {
    figures: () => store.figures,
    prompt: ({ source, codec }) => store.prompt(source, codec),
  })
}
