// What the command finds around it and can do nothing about: where directories cannot be made, and readers that
// are gone.

import t from 'tap'
import { runCommand } from './support/command-line.ts'

/** Runs a command whose output nobody reads, and ends as it does. */
const UNREAD: readonly string[] = ['bash', '-c', 'set -o pipefail; "$@" | true', 'bash']

t.test('a data directory that cannot be made', async (t) => {
  // Node's own recursive mkdir never comes back from there.
  const ended = await runCommand(['serve', '--data-dir', '/proc/none', '--listen', '127.0.0.1:0'])
  t.match(ended, { exitCode: 1, stderr: /\/proc\/none cannot be made \(ENOENT\)\. Choose another/ })
})

t.test('output that nobody reads any more is no failure', async (t) => {
  const ended = await runCommand(['config', 'print'], { wrapper: UNREAD })
  t.match(ended, { exitCode: 0, stdout: '', stderr: '' })
  const refused = await runCommand(['replay', '--data-dir', '/proc/none'], { wrapper: UNREAD })
  t.match(refused, { exitCode: 1, stderr: /none cannot be found/ })
})
