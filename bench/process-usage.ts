import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts CPU time in ticks; nearly always 100 a second. */
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** User and system time of a process, all threads, ms. */
export const cpuMs = (pid: number): number => timesOf(pid, 11)

/** The same of all our child processes that have ended. */
export const endedChildrenCpuMs = (): number => timesOf('self', 13)

function timesOf(pid: number | 'self', first: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // proc(5): the name, in brackets, may contain any character; utime, stime, cutime and cstime are the 12th to 15th after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[first]) + Number(fields[first + 1])) / ticksPerSecond) * 1000
}

/** Resident memory of a process, kB. */
export function rssKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

/** Per thread: how long it ran and how long it was ready and waited for a core, ms (proc/[pid]/schedstat). */
export type ThreadTimes = Map<string, { ranMs: number; waitedMs: number }>

export function threadTimes(pid: number): ThreadTimes {
  return new Map(
    readdirSync(`/proc/${pid}/task`).map((thread) => {
      const [ran, waited] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ').map(Number)
      return [thread, { ranMs: (ran ?? 0) / 1e6, waitedMs: (waited ?? 0) / 1e6 }]
    }),
  )
}

/** How long the busiest thread waited for a core, in percent of the time between: the time that other programs took from it. */
export function waitedPercent(before: ThreadTimes, after: ThreadTimes, elapsedMs: number): number {
  const threads = [...after].map(([thread, { ranMs, waitedMs }]) => {
    const earlier = before.get(thread) ?? { ranMs: 0, waitedMs: 0 }
    return { ranMs: ranMs - earlier.ranMs, waitedMs: waitedMs - earlier.waitedMs }
  })
  const busiest = threads.sort((a, b) => b.ranMs - a.ranMs)[0]
  return ((busiest?.waitedMs ?? 0) / elapsedMs) * 100
}

/** CPU time between two samples, ms: the main thread, the busiest other thread, and the rest (V8's collector and compilers). */
export function cpuByThread(
  pid: number,
  before: ThreadTimes,
  after: ThreadTimes,
): { main: number; busiest: number; rest: number } {
  const ran = (thread: string) => (after.get(thread)?.ranMs ?? 0) - (before.get(thread)?.ranMs ?? 0)
  const others = [...after.keys()].filter((thread) => thread !== String(pid)).map(ran)
  const busiest = Math.max(0, ...others)
  return { main: ran(String(pid)), busiest, rest: others.reduce((sum, ms) => sum + ms, 0) - busiest }
}
