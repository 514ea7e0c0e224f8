// A server process for tests that kill it: takes a data directory, sends batch after batch, and writes
// the number of each batch to stdout when all of it was acknowledged. Ends as the command line does:
// with 1 when a thread failed.

import { writeSync } from 'node:fs'
import type { Command } from './commands.ts'
import { openPipe } from './pipe.ts'

/** The commands of batch `n`: the first opens accounts, each other one reserves and settles. */
export function batch(n: number): Command[] {
  if (n === 0) {
    return [
      { type: 'open_account', id: 'bank', ledger: 1, external: true },
      { type: 'open_account', id: 'acme', ledger: 1 },
      { type: 'transfer', id: 'topup', debit: 'bank', credit: 'acme', amount: 1_000_000_000 },
    ]
  }
  const commands: Command[] = []
  for (let i = 0; i < 10; i++) {
    const id = `call-${n}-${i}`
    commands.push({ type: 'reserve', id, debit: 'acme', credit: 'bank', amount: 100 })
    commands.push({ type: 'settle', id: `${id}-end`, reservation: id, amount: 60 })
  }
  return commands
}

async function serve(dataDir: string): Promise<void> {
  const pipe = await openPipe(dataDir)
  pipe.server.failed.then((error) => {
    writeSync(1, `failed ${error.name}\n`)
    setTimeout(() => process.exit(1), 50)
  })
  for (let n = 0; ; n++) {
    const outcomes = await pipe.send(...batch(n))
    const refused = outcomes.find(({ code }) => code !== 'ok')
    if (refused !== undefined) throw new Error(`batch ${n}: ${refused.code}`)
    // In flight on the pipe or not, what was written here was acknowledged.
    writeSync(1, `${n}\n`)
  }
}

if (process.argv[2] !== undefined) await serve(process.argv[2]).catch(() => {})
