// A process with an engine of its own, for tests that end it: `DIR load` prints the balance after each
// acknowledged batch for as long as it lives; `DIR idle` makes one call and has nothing more to do.

import { open } from '../../runtime/index.ts'
import { SCRIPT_CAPACITIES } from './holdfast-script.ts'

const [dataDir = '', what = ''] = process.argv.slice(2)
const hf = await open({
  dataDir,
  segmentBytes: 4_194_304,
  capacities: { ...SCRIPT_CAPACITIES, outcomesMax: 262_144 },
})
await hf.openAccount({ id: 'bank', ledger: 1, external: true })
await hf.openAccount({ id: 'a', ledger: 1 })
const move = { debitAccount: 'bank', creditAccount: 'a', amount: 1 }
while (what === 'load') {
  const results = await hf.submit(Array.from({ length: 20 }, () => ({ type: 'transfer', ...move })))
  if (results.some(({ code }) => code !== 'ok')) throw new Error('a transfer was refused')
  const found = await hf.account('a')
  if (found.code === 'ok') process.stdout.write(`${found.balance}\n`)
}
await hf.transfer(move)
