// The engine in this process: a prepaid call is reserved before it starts and settled for what it
// really cost. In a program of your own: import { open } from 'holdfast'
//
//   node dist/examples/embedded.js ./data

import { open } from '../runtime/index.ts'

const hf = await open({ dataDir: process.argv[2] ?? './data' })

// Opened again under the same id, an account answers with what it is now.
await hf.openAccount({ id: 'bank', ledger: 1, external: true })
await hf.openAccount({ id: 'acme', ledger: 1 })

// The id makes it happen once, however often the program is run.
await hf.transfer({ id: 'topup-1', debitAccount: 'bank', creditAccount: 'acme', amount: 20_000 })

// The most that the call may cost is held for a minute.
const held = await hf.reserve({
  id: 'call-7',
  debitAccount: 'acme',
  creditAccount: 'bank',
  amount: 1_000,
  timeoutMs: 60_000,
})

// A refusal is a value: its code says which, and its numbers say why.
if (held.code === 'insufficient_funds') {
  process.stdout.write(`acme has ${held.available} left\n`)
} else if (held.code === 'ok') {
  const settled = await hf.settle({ id: 'call-7-end', reservation: 'call-7', amount: 640 })
  process.stdout.write(`call-7: ${settled.code}\n`)
}

const acme = await hf.account('acme')
if (acme.code === 'ok') process.stdout.write(`acme has ${acme.available} available\n`)

await hf.close()
