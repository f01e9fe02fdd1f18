// Mocha's spec reporter with two additions: the counts go to the file named by RINGFLOW_TEST_COUNTS (scripts/test.mjs adds
// them up), and a process that does not end by itself after its last test is a failure, because a test left something open.
const { writeFileSync } = require('node:fs')
const { reporters } = require('mocha')

const GRACE_MS = 10_000

module.exports = class RingflowReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    runner.once('end', () => {
      this.#write(this.stats.failures)
      setTimeout(() => this.#leftOpen(), GRACE_MS).unref()
    })
  }

  #leftOpen() {
    const what = process.getActiveResourcesInfo().join(', ')
    process.stderr.write(`The tests are over but the process does not end; still open: ${what}\n`)
    this.#write(this.stats.failures + 1)
    process.exit(1)
  }

  #write(failed) {
    const file = process.env.RINGFLOW_TEST_COUNTS
    if (file) writeFileSync(file, JSON.stringify({ passed: this.stats.passes, failed }))
  }
}
