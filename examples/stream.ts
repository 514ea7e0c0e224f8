// A client of a server's stream: many commands at once, and one by one. Start the server first:
// holdfast serve. In a program of your own: import { connect, id } from 'holdfast/client'
//
//   node dist/examples/stream.js ws://127.0.0.1:7700

import { type Command, connect, id } from '../client/index.ts'

// Connects again by itself, and sends again what was not answered: the ids make that safe.
const hf = await connect(process.argv[2] ?? 'ws://127.0.0.1:7700', {
  onWait: ({ waitsFor, reason }) =>
    process.stderr.write(
      waitsFor === 'nothing' ? 'goes on\n' : `waits for ${waitsFor}: ${reason}\n`,
    ),
})

// An id that is used often is made once.
const shop = id('shop')
await hf.openAccount({ id: 'world', ledger: 1, external: true })
await hf.openAccount({ id: shop, ledger: 1 })

// Calls of one turn travel together; a thousand in one call cost the least.
const orders = Array.from(
  { length: 1_000 },
  (_, i): Command => ({
    type: 'reserve',
    id: `order-${i}`,
    debitAccount: 'world',
    creditAccount: shop,
    amount: 100 + i,
    timeoutMs: 900_000,
  }),
)
const results = await hf.submit(orders)
process.stdout.write(`held: ${results.filter(({ code }) => code === 'ok').length}\n`)

// All or nothing: one order is paid and another given back, or neither is.
const [paid, cancelled] = await hf.submit(
  [
    { type: 'settle', id: 'pay-1', reservation: 'order-1' },
    { type: 'release', id: 'cancel-2', reservation: 'order-2' },
  ],
  { linked: true },
)
process.stdout.write(`paid: ${paid?.code}, cancelled: ${cancelled?.code}\n`)

const account = await hf.account(shop)
if (account.code === 'ok') process.stdout.write(`shop: ${account.balance} of ${account.incoming}\n`)
await hf.close()
