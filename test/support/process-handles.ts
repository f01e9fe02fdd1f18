/** What a process holds, for tests that look for leaks. */
import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Holdings {
  /** Of the main thread: objects, and what lies outside of V8's heap for them (Buffers). */
  heapOctets: number
  fds: number
  threads: number
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Of this process, after collections. */
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
