#!/usr/bin/env node
import { main } from './cli.js'

// `ringflow … | head -1`: the reader of stdout has ended. The call ends as with Ctrl-C.
process.stdout.once('error', () => {
  process.stdout.on('error', () => {})
  process.kill(process.pid, 'SIGTERM')
})

process.exitCode = await main(process.argv.slice(2), process.env, {
  out: (line) => process.stdout.write(`${line.trimEnd()}\n`),
  err: (line) => process.stderr.write(`${line.trimEnd()}\n`),
})
