#!/usr/bin/env node
import { main } from './cli.js'

// `ringflow … | head -1`: whoever read has gone.
process.stdout.on('error', () => process.exit(1))

process.exitCode = await main(process.argv.slice(2), process.env, {
  out: (line) => process.stdout.write(`${line.trimEnd()}\n`),
  err: (line) => process.stderr.write(`${line.trimEnd()}\n`),
})
