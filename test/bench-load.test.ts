// The load of the benchmarks of latency, against a real server: what it sends is answered and counted, ids
// are what they say, and what is refused or lost ends a measurement.

import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { openAccounts, PairLoad } from '../bench/pair-load.ts'
import { IdSource, Wire } from '../bench/wire.ts'
import { connect, newId } from '../client/index.ts'
import { allocateWords, ID_BYTES, uuidV7TimeMs } from '../protocol/index.ts'
import { startServed, temporaryDirectory } from './support/command-line.ts'

t.setTimeout(120_000)

t.test('ids are UUIDv7s of now, each once', async (t) => {
  const ids = new IdSource()
  const words = allocateWords(ID_BYTES)
  const seen = new Set<string>()
  const fromMs = Date.now()
  let wrong = 0
  for (let n = 0; n < 10_000; n++) {
    ids.write(words, 0)
    const timeMs = uuidV7TimeMs(words, 0)
    if (timeMs < fromMs || timeMs > Date.now()) wrong++
    seen.add(Buffer.from(words.u8).toString('hex'))
  }
  t.equal(wrong, 0)
  t.equal(seen.size, 10_000)
})

t.test('a pace is kept, measured from where it begins, and leaves nothing open', async (t) => {
  const server = await startServed(temporaryDirectory(t))
  const holdfast = await connect(server.url)
  const wire = await Wire.connect(server.url)
  const load = new PairLoad(holdfast, wire, await openAccounts(holdfast, 10))
  const measured = await load.paced(10, delay(1_000), delay(500))
  t.equal(wire.unanswered, 0)
  t.equal(wire.unansweredBytes, 0)
  t.ok(measured.commands > 0 && measured.commands <= 6_000, `${measured.commands} commands`)
  t.equal(measured.commands % 10, 0)
  t.ok(measured.p50Ms > 0 && measured.p50Ms <= measured.p99Ms && measured.p99Ms <= measured.maxMs)
  const again = await load.paced(10, delay(200))
  t.ok(again.commands > 0)
  const audit = await holdfast.audit()
  t.match(audit, { code: 'ok', openReservations: 0 })
  const opened = 11
  const sequence = 'sequence' in audit ? audit.sequence : 0
  t.ok(sequence >= opened + measured.commands + again.commands)
  await wire.close()
  await holdfast.close()
  await server.stop()
})

t.test('a refusal ends the measurement, and so does the end of the server', async (t) => {
  const server = await startServed(temporaryDirectory(t))
  const holdfast = await connect(server.url)
  const wire = await Wire.connect(server.url)
  const nobody = new PairLoad(holdfast, wire, [newId(), newId()])
  await t.rejects(
    nobody.paced(10, delay(10_000, undefined, { ref: false })),
    /was answered debit_account_not_found/,
  )
  const accounts = await openAccounts(holdfast, 2)
  await holdfast.close()
  const load = new PairLoad(holdfast, await Wire.connect(server.url), accounts)
  const lost = t.rejects(
    load.paced(10, delay(10_000, undefined, { ref: false })),
    /the stream was closed with 1006|ECONNRESET/,
  )
  await delay(100)
  await server.stop('SIGKILL')
  await lost
  await t.rejects(Wire.connect(server.url))
})
