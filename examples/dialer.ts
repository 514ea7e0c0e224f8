// A dialler of a call center: places calls, keeps each within the money block by block, and ends it. The
// server may be killed and started again meanwhile. Start it first: holdfast serve. In a program of your
// own: import { connect } from 'holdfast/client'
//
//   node dist/examples/dialer.js ws://127.0.0.1:7700 60

import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '../client/index.ts'

const [url = 'ws://127.0.0.1:7700', count = '60'] = process.argv.slice(2)

/** Calls at once, and the seconds that each asks for at a time. */
const LINES = 20
const BLOCK_SECONDS = 60

/** In this example a minute of talk takes a second. */
const MS_PER_SECOND = 1_000 / 60

// Connects again by itself, and sends again what was not answered. Nothing happens twice by that: every
// command has an id, which the client makes where none is given.
const hf = await connect(url, {
  timeoutMs: 120_000,
  retryMs: 120_000,
  onWait: ({ waitsFor, reason }) =>
    process.stderr.write(
      waitsFor === 'nothing' ? 'goes on\n' : `waits for ${waitsFor}: ${reason}\n`,
    ),
})

// Said again, these answer with what is there. A minute costs 6,000 micro-units.
const rates = { ratePerMinute: 6_000, initialIncrement: 30, increment: 6 }
await hf.command('calls', 'add_customer', { customerId: 'acme', currency: 'EUR' })
await hf.command('calls', 'put_tariff', { tariffId: 'germany', prefix: '49', ...rates })

// Money comes in once for each id, however often it is sent, and whoever sends it.
const run = String(Date.now())
const topUp = { customerId: 'acme', amount: 1_000_000 }
await hf.command('calls', 'top_up', topUp, { id: `calls/topup/acme/${run}` })

const totals = { ended: 0, refused: 0, cutShort: 0, cost: 0 }

/** What the answers to a start and to an extend say of interest here. */
interface Granted {
  readonly grantedSeconds: number
  readonly totalGrantedSeconds: number
  /** There will be no more after this. */
  readonly finalUnit: boolean
}

/** Places one call of `wanted` seconds, and stays with it until it has ended. */
async function place(callId: string, wanted: number): Promise<void> {
  const asked = { customerId: 'acme', destination: '+4930123456', mode: 'block' }
  // The cost of the block is held before it rings: a call that was let in is paid for.
  const started = await hf.command<Granted>('calls', 'start', {
    callId,
    ...asked,
    blockSeconds: BLOCK_SECONDS,
  })
  if (started.code !== 'ok') {
    totals.refused++
    return
  }
  // Somebody answers: the grant counts from here.
  await hf.command('calls', 'answer', { callId })
  let granted = started.grantedSeconds ?? 0
  let used = 0
  let isFinal = started.finalUnit
  while (wanted > granted && !isFinal) {
    await talk(granted - used)
    used = granted
    // Totals and not steps are told: an extend that is said twice holds nothing twice.
    const more = { callId, usedSeconds: used, requestSeconds: BLOCK_SECONDS }
    const extended = await hf.command<Granted>('calls', 'extend', more)
    if (extended.code !== 'ok') break
    granted = extended.totalGrantedSeconds ?? granted
    isFinal = extended.finalUnit
  }
  // Whoever wants to talk for longer than there is money for is hung up on here.
  if (wanted > granted) totals.cutShort++
  const durationSeconds = Math.min(wanted, granted)
  await talk(durationSeconds - used)
  const ended = await hf.command<{ cost: number }>('calls', 'end', { callId, durationSeconds })
  if (ended.code !== 'ok') throw new Error(`the end of ${callId} was answered ${ended.code}`)
  totals.ended++
  totals.cost += ended.cost ?? 0
}

async function talk(seconds: number): Promise<void> {
  await delay(seconds * MS_PER_SECOND)
}

// Each line takes the next number as soon as it is free.
let next = 0
async function dial(): Promise<void> {
  for (let n = next++; n < Number(count); n = next++) {
    await place(`${run}-${n}`, 20 + ((n * 37) % 180))
    if (n === 0) process.stdout.write('the first call has ended\n')
  }
}
await Promise.all(Array.from({ length: LINES }, dial))

const { ended, refused, cutShort, cost } = totals
process.stdout.write(`ended ${ended}, refused ${refused}, cut short ${cutShort}, cost ${cost}\n`)
const acme = await hf.query('calls', 'customer', { id: 'acme' })
process.stdout.write(`acme has ${acme.available}, ${acme.activeCalls} calls live\n`)
await hf.close()
