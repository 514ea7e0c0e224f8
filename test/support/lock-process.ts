// A process that locks the directory of its first argument, says `locked` or why not, and holds the
// lock until it is killed.

import { lockDirectory } from '../../runtime/lock.ts'

try {
  lockDirectory(process.argv[2] as string)
  process.stdout.write('locked\n')
  setInterval(() => {}, 1_000)
} catch (error) {
  process.stdout.write(`${(error as Error).name}\n`)
}
