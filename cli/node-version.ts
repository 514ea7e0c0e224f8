// Which versions of Node work, as a message. Not a check of anything else about the machine.

/** What is wrong with Node `version` (as in `process.versions.node`), or undefined. */
export function nodeFault(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major === 21 || major === 22) return undefined
  if (major === 20 && minor >= 19) return undefined
  return (
    `Node ${version} does not work: Holdfast runs on Node 20 (from 20.19) and 22, ` +
    'which uWebSockets.js brings its binaries for. Install Node 22.'
  )
}
