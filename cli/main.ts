#!/usr/bin/env node
// The holdfast command's first lines: refuse a Node that cannot work before anything native is
// loaded, then hand over. What the verbs are is in program.ts.

import { nodeFault } from './node-version.ts'

const fault = nodeFault(process.versions.node)
if (fault === undefined) {
  const { run } = await import('./program.ts')
  process.exitCode = await run(process.argv.slice(2))
} else {
  process.stderr.write(`${fault}\n`)
  process.exitCode = 1
}
