/** What a process holds, for tests that look for leaks. */
import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Holdings {
  /** Memory of the main thread: objects, and their memory outside V8's heap (Buffers). */
  heapOctets: number
  fds: number
  threads: number
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Memory of this process after garbage collections. */
export async function holdings(): Promise<Holdings> {
  for (let n = 0; n < 3; n++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { heapUsed, external } = process.memoryUsage()
  return {
    heapOctets: heapUsed + external,
    // One of them is the folder that is being read.
    fds: readdirSync('/proc/self/fd').length - 1,
    threads: readdirSync('/proc/self/task').length,
  }
}
