/** More than anything on loopback takes, and less than mocha's own time-out, which does not say what was missing. */
export const WAIT_MS = 5_000

/** The promise's value, or an error that says what has not happened. */
export function within<T>(promise: Promise<T>, what: string, ms = WAIT_MS): Promise<T> {
  let timer: NodeJS.Timeout
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}, which did not come`)), ms)
    timer.unref()
  })
  const result = Promise.race([promise, timeUp]).finally(() => clearTimeout(timer))
  result.catch(() => undefined) // a test that has failed elsewhere awaits it no more
  return result
}

type Handler<Handlers, Name extends keyof Handlers> = Extract<
  NonNullable<Handlers[Name]>,
  (...args: never[]) => unknown
>

/** The first argument of the next call of this handler, which is set here. `what` says in a failure whose handler it is. */
export function called<Handlers extends object, Name extends keyof Handlers & string>(
  handlers: Handlers,
  name: Name,
  what = `handler "${name}" to be called`,
  timeoutMs = WAIT_MS,
): Promise<Parameters<Handler<Handlers, Name>>[0]> {
  type Argument = Parameters<Handler<Handlers, Name>>[0]
  return within(
    new Promise<Argument>((resolve) => {
      Object.assign(handlers, { [name]: (argument: Argument) => resolve(argument) })
    }),
    what,
    timeoutMs,
  )
}

/** Resolves when the condition holds; for what no event reports, such as a port that another thread frees. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = WAIT_MS): Promise<void> {
  const endMs = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited ${ms} ms for ${what}, which did not come`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
