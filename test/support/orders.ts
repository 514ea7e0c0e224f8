// Payment orders in the shape of real ones, made from a seed, with the totals that must come of them
// worked out by plain arithmetic and no engine.

/** What must come of sending the orders. Amounts are in smallest units. */
export interface ExpectedTotals {
  readonly accounts: number
  readonly held: number
  readonly refused: number
  readonly settled: number
  readonly released: number
  /** Settles and releases of orders that were refused. */
  readonly notFound: number
  readonly toppedUp: number
  readonly paidOut: number
}

/** Orders as NDJSON and what must come of them. */
export interface Orders {
  readonly ndjson: string
  readonly commands: number
  readonly expected: ExpectedTotals
}

/** `customers` customers with a salary each and some orders, in ledger 203, from `seed`. */
export function makeOrders(customers: number, seed: number): Orders {
  const next = generator(seed)
  const opens = ['{"type":"open_account","id":"bank","ledger":203,"external":true}']
  const salaries: string[] = []
  const reserves: string[] = []
  const ends: string[] = []
  const totals = { held: 0, refused: 0, settled: 0, released: 0, notFound: 0 }
  let toppedUp = 0
  let paidOut = 0
  let order = 0
  for (let c = 0; c < customers; c++) {
    opens.push(`{"type":"open_account","id":"acct-${c}","ledger":203}`)
    opens.push(`{"type":"open_account","id":"to-${c}","ledger":203}`)
    let available = 1_000 + (next() % 90_000)
    toppedUp += available
    salaries.push(transfer(c, available))
    for (let n = next() % 5; n > 0; n--) {
      const amount = 500 + (next() % 30_000)
      const id = ++order
      reserves.push(reserve(id, c, amount))
      const isHeld = available >= amount
      if (isHeld) available -= amount
      totals[isHeld ? 'held' : 'refused']++
      const purpose = next() % 3
      const paid = purpose === 0 ? Math.floor((amount * 9) / 10) : amount
      ends.push(purpose === 2 ? release(id) : settle(id, purpose === 0 ? paid : undefined))
      if (!isHeld) totals.notFound++
      else if (purpose === 2) totals.released++
      else {
        totals.settled++
        paidOut += paid
      }
    }
  }
  const lines = [...opens, ...salaries, ...reserves, ...ends]
  const expected = { accounts: opens.length, ...totals, toppedUp, paidOut }
  return { ndjson: `${lines.join('\n')}\n`, commands: lines.length, expected }
}

function transfer(customer: number, amount: number): string {
  const fields = `"debitAccount":"bank","creditAccount":"acct-${customer}","amount":${amount}`
  return `{"type":"transfer","id":"salary-${customer}",${fields}}`
}

function reserve(order: number, customer: number, amount: number): string {
  const accounts = `"debitAccount":"acct-${customer}","creditAccount":"to-${customer}"`
  return `{"type":"reserve","id":"order-${order}",${accounts},"amount":${amount}}`
}

function settle(order: number, amount: number | undefined): string {
  const given = amount === undefined ? '' : `,"amount":${amount}`
  return `{"type":"settle","id":"pay-${order}","reservation":"order-${order}"${given}}`
}

function release(order: number): string {
  return `{"type":"release","id":"cancel-${order}","reservation":"order-${order}"}`
}

/** Numbers from 0 to 2^31-1 that depend on the seed alone (Lehmer's generator). */
export function generator(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state
  }
}

/** One row of `holdfast send --json`. */
export interface SentTotal {
  readonly type: string
  readonly code: string
  readonly count: number
  readonly moved: number
  readonly replayed: number
  readonly replayedMoved: number
}

/** The totals of `holdfast send --json` in the shape of what was expected, replays counted in. */
export function totalsOf(sent: readonly SentTotal[]): ExpectedTotals {
  const rows = (type: string, code: string) =>
    sent.filter((total) => total.type === type && total.code === code)
  const count = (type: string, code: string) =>
    rows(type, code).reduce((sum, total) => sum + total.count + total.replayed, 0)
  const moved = (type: string) =>
    rows(type, 'ok').reduce((sum, total) => sum + total.moved + total.replayedMoved, 0)
  const lost = (type: string) => count(type, 'reservation_not_found')
  return {
    accounts: count('open_account', 'ok'),
    held: count('reserve', 'ok'),
    refused: count('reserve', 'insufficient_funds'),
    settled: count('settle', 'ok'),
    released: count('release', 'ok'),
    notFound: lost('settle') + lost('release'),
    toppedUp: moved('transfer'),
    paidOut: moved('settle'),
  }
}
