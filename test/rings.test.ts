// What lies between the threads, without the threads' own work: rings, bells, reports, credit, and what
// is taken from a gateway.

import { once } from 'node:events'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import {
  allocateWords,
  FLAG,
  FRAME_BYTES_MAX,
  KIND,
  OUTCOME,
  outcomeBytesMax,
  RESERVE,
  recordBytes,
  type Words,
  wordsOver,
} from '../protocol/index.ts'
import { CommandSource, type OpenFrame } from '../runtime/command-source.ts'
import { longestOutcomeBytes } from '../runtime/credits.ts'
import { allocateBell, PortSleeper, ThreadBell } from '../runtime/doorbell.ts'
import { allocateReport, ReportReader, ReportWriter } from '../runtime/report.ts'
import { allocateRing, RingBroken, RingConsumer, RingProducer } from '../runtime/ring.ts'
import { dawdle, numbers, type RingWork } from './support/ring-worker.ts'
import { headOnly, openRings, putOutcome } from './support/rings.ts'

const RING_WORKER = new URL('./support/ring-worker.js', import.meta.url)

/** Starts the other end; it ends with the test, however that ends. */
function startWorker(t: Test, work: RingWork, transfer: MessagePort[] = []): Worker {
  const worker = new Worker(RING_WORKER, { workerData: work, transferList: transfer })
  t.teardown(() => worker.terminate())
  return worker
}

t.test('a ring between two threads keeps every byte in order', async (t) => {
  for (const [bytes, bytesMax, records, cursor] of [
    [256, 128, 20_000, 0],
    [4_096, 1_024, 100_000, 0],
    [65_536, 1_152, 100_000, 0],
    // Where 32 bits become negative, and where they begin anew.
    [4_096, 1_024, 100_000, 2 ** 31 - 1_048_576],
    [4_096, 1_024, 100_000, 2 ** 32 - 1_048_576],
  ] as const) {
    const ring = allocateRing(bytes)
    new Int32Array(ring.control).fill(cursor)
    const shape = {
      ring,
      bells: [allocateBell(), allocateBell()] as const,
      seed: bytes,
      records,
      bytesMax,
    }
    const consumer = startWorker(t, { ...shape, role: 'consume' })
    startWorker(t, { ...shape, role: 'produce' })
    const [message] = await once(consumer, 'message')
    t.equal(message.records, records)
    t.ok(message.wraps > 100, `${message.wraps} times round ${bytes} bytes`)
  }
})

t.test('a ring alone', async (t) => {
  const memory = allocateRing(256)
  const producer = new RingProducer(memory)
  const consumer = new RingConsumer(memory)
  const put = (bytes: number): number => {
    const at = producer.claim(bytes)
    if (at < 0) return at
    producer.words.u32[at >>> 2] = bytes
    producer.commit(bytes)
    return at
  }
  t.equal(put(96), 0)
  t.equal(consumer.refresh(), 0, 'nothing is seen before it is published')
  t.equal(producer.publish(), true)
  t.equal(producer.publish(), false)
  t.equal(put(96), 96)
  t.equal(put(96), -1, 'full: 64 bytes at the end and none at the start')
  t.equal(put(64), 192, 'which still take a shorter record')
  producer.publish()
  t.equal(consumer.refresh(), 256)
  t.equal(consumer.next(), 0)
  const mark = consumer.mark()
  consumer.advance(96)
  t.equal(consumer.next(), 96)
  consumer.rewind(mark)
  t.equal(consumer.next(), 0, 'read again')
  consumer.advance(96)
  t.equal(put(96), -1, 'what was read is not free before it is released')
  consumer.release()
  t.equal(put(96), 0)
  t.throws(() => producer.claim(12), RangeError, 'not a multiple of 8')
  t.throws(() => producer.claim(136), RangeError, 'more than half of the ring')
  t.throws(() => producer.commit(8), RangeError, 'nothing is claimed')
  t.throws(() => allocateRing(100), RangeError)
  for (const bytes of [0, -8, 4, 512]) {
    t.throws(() => consumer.advance(bytes), RingBroken, `a record of ${bytes} bytes`)
  }
})

t.test('cursors pass 2^32', async (t) => {
  const memory = allocateRing(256)
  new Int32Array(memory.control).fill(-128)
  const producer = new RingProducer(memory)
  const consumer = new RingConsumer(memory)
  for (let i = 1; i <= 12; i++) {
    const at = producer.claim(96)
    t.ok(at >= 0, `record ${i} has room`)
    producer.words.u32[at >>> 2] = i
    producer.commit(96)
    producer.publish()
    consumer.refresh()
    const place = consumer.next()
    t.equal(consumer.words.u32[place >>> 2], i)
    consumer.advance(96)
    consumer.release()
  }
  t.equal(producer.isEmpty(), true)
})

t.test('a ring that its producer broke', async (t) => {
  const memory = allocateRing(256)
  const consumer = new RingConsumer(memory)
  const control = new Int32Array(memory.control)
  for (const head of [264, -8, 12]) {
    control[0] = head
    t.throws(() => consumer.refresh(), RingBroken, `a head at ${head}`)
  }
  control[0] = 64
  consumer.refresh()
  t.throws(() => consumer.next(), RingBroken, 'a skip marker over all that there is')
})

t.test('no wake-up is lost between threads that wait', { timeout: 60_000 }, async (t) => {
  const rounds = 20_000
  const words = new SharedArrayBuffer(256)
  const view = new Int32Array(words)
  const bells = [allocateBell(), allocateBell()] as const
  const [bell, answer] = bells
  startWorker(t, { role: 'pong', words, bell, answer, port: undefined, rounds })
  const theirs = new ThreadBell(bell)
  const ours = new ThreadBell(answer)
  const next = numbers(3)
  for (let round = 1; round <= rounds; round++) {
    Atomics.store(view, 0, round)
    theirs.ring()
    dawdle(next)
    const isAnswered = (): boolean => Atomics.load(view, 32) === round
    // A bell may be an old one: then the answer has to be waited for again.
    do {
      const before = performance.now()
      ours.wait(isAnswered, 5_000)
      if (performance.now() - before >= 5_000) throw new Error(`lost in round ${round}`)
    } while (!isAnswered())
  }
  t.equal(Atomics.load(view, 32), rounds)
})

t.test('no message is lost between a thread and an event loop', async (t) => {
  const rounds = 5_000
  const words = new SharedArrayBuffer(256)
  const view = new Int32Array(words)
  const bell = allocateBell()
  const answer = allocateBell()
  const { port1, port2 } = new MessageChannel()
  t.teardown(() => port1.close())
  startWorker(t, { role: 'pong', words, bell, answer, port: port2, rounds }, [port2])
  const theirs = new ThreadBell(bell)
  const ours = new PortSleeper(answer)
  const next = numbers(5)
  let messages = 0
  await new Promise<void>((resolve, reject) => {
    let round = 0
    const timer = setTimeout(() => reject(new Error(`no message in round ${round}`)), 60_000)
    const look = (): void => {
      ours.wake()
      for (;;) {
        if (Atomics.load(view, 32) === round) {
          if (round === rounds) break
          round++
          Atomics.store(view, 0, round)
          theirs.ring()
          dawdle(next)
        }
        ours.sleep()
        if (Atomics.load(view, 32) !== round) return
        ours.wake()
      }
      clearTimeout(timer)
      resolve()
    }
    port1.on('message', () => {
      messages++
      look()
    })
    look()
  })
  t.ok(messages > 0 && messages <= rounds, `${messages} messages for ${rounds} rounds`)
})

t.test('a report is of one moment', async (t) => {
  const memory = allocateReport(3)
  const writer = new ReportWriter(memory)
  const reader = new ReportReader(memory)
  writer.values.set([2 ** 53 - 1, -0.5, Infinity])
  t.same([...reader.read()], [0, 0, 0], 'nothing was published')
  writer.publish()
  t.same([...reader.read()], [2 ** 53 - 1, -0.5, Infinity])
  const shared = new Int32Array(memory)
  Atomics.add(shared, 0, 1)
  shared.fill(7, 2)
  t.same([...reader.read()], [2 ** 53 - 1, -0.5, Infinity], 'a writer that died in between')
})

t.test('who has credit has room, whatever the outcomes', async (t) => {
  const kinds = [KIND.reserve, KIND.settle, KIND.settleGroup, KIND.transfer, KIND.queryAudit]
  const ledgersMax = 65_536
  const { memory, gateway, router, deliver, close } = openRings({ ledgersMax })
  const next = numbers(11)
  const seen: number[] = []
  gateway.onOutcome = (words, at) => seen.push(words.u32[at >>> 2] as number)
  const rings = [new RingConsumer(memory.commands), new RingConsumer(memory.queries)] as const
  let token = 0
  for (let round = 0; round < 60; round++) {
    const sent: [kind: number, token: number][] = []
    for (;;) {
      const kind = kinds[next() % kinds.length] as number
      const { words, bytes } = headOnly(kind, token)
      const isQuery = kind === KIND.queryAudit
      if (!(isQuery ? gateway.query(words, bytes) : gateway.submit(words, bytes, 1))) break
      sent.push([kind, token++])
    }
    gateway.flush()
    for (const ring of rings) readAll(ring)
    for (const [kind, sentToken] of sent) {
      const worst = outcomeBytesMax(kind, ledgersMax)
      const bytes = worst < 1_000 && next() % 4 === 0 ? OUTCOME.head : worst
      if (!putOutcome(router, kind, bytes, sentToken)) throw new Error(`no room: ${sentToken}`)
    }
    router.publish()
    await deliver(() => seen.length === token)
    if (sent.length === 0) throw new Error(`nothing was admitted in round ${round}`)
  }
  t.equal(router.dropped, 0)
  t.same(
    seen,
    seen.map((_, i) => i),
    'in order',
  )
  t.equal(gateway.isIdle(), true)
  t.equal(
    gateway.stats().gateway_credit_bytes,
    memory.outcomes.data.byteLength - longestOutcomeBytes(ledgersMax),
  )
  t.equal(putOutcome(router, KIND.reserve, 176, 0), true)
  router.publish()
  close()
})

t.test('a port says what it cannot take', async (t) => {
  const { gateway, router, close } = openRings({})
  const { words, bytes } = headOnly(KIND.reserve, 1)
  t.throws(() => gateway.submit(words, bytes + 8, 1), RangeError)
  t.throws(() => gateway.submit(words, bytes, 2), RangeError)
  const chain = headOnly(KIND.reserve, 1, FLAG.linked)
  t.throws(() => gateway.submit(chain.words, chain.bytes, 1), RangeError, 'a chain without end')
  let admitted = 0
  while (gateway.submit(words, bytes, 1)) admitted++
  t.ok(admitted > 40_000, `${admitted} reserves before the ring is full`)
  const reasons: string[] = []
  gateway.onFailure = (reason) => reasons.push(reason)
  gateway.fail('the disk is gone')
  gateway.fail('and more')
  t.same(reasons, ['the disk is gone'])
  t.equal(gateway.state(), 'failed')
  t.equal(gateway.query(words, bytes), false)
  t.equal(router.claim(5, 40), false, 'an outcome for nobody is dropped')
  t.equal(router.dropped, 1)
  close()
})

/** Frees the room of all that was queued. */
function readAll(ring: RingConsumer): void {
  ring.refresh()
  for (let at = ring.next(); at >= 0; at = ring.next()) ring.advance(recordBytes(ring.words, at))
  ring.release()
}

/** An open frame with `bytes` bytes for records. */
function openFrame(bytes: number): OpenFrame {
  return { words: allocateWords(bytes), at: 0, end: bytes, count: 0 }
}

t.test('a command source takes whole units in turns', async (t) => {
  const { memory, gateway, close } = openRings({})
  const source = new CommandSource(0, memory.commands, true)
  const send = (...records: ReturnType<typeof headOnly>[]): void => {
    const all = allocateWords(records.reduce((sum, { bytes }) => sum + bytes, 0))
    let at = 0
    for (const { words, bytes } of records) {
      all.u8.set(words.u8.subarray(0, bytes), at)
      at += bytes
    }
    gateway.submit(all, at, records.length)
    gateway.flush()
  }
  const linked = headOnly(KIND.reserve, 2, FLAG.linked)
  const single = headOnly(KIND.reserve, 1)
  send(single, linked, linked, single, headOnly(KIND.tick, 3), single)
  t.equal(source.hasMore(), true)
  source.refresh()
  t.equal(source.isAtTick(), false)
  const small = openFrame(3 * RESERVE.bytes)
  t.equal(source.take(small), 'full', 'a chain is not split')
  t.equal(small.count, 1)
  const frame = openFrame(65_536)
  t.equal(source.take(frame), 'tick')
  t.equal(frame.count, 3)
  t.equal(source.isAtTick(), true)
  t.equal(source.advanceMs(), 0)
  source.takeTick(frame)
  t.equal(source.take(frame), 'empty')
  t.equal(frame.count, 5)
  for (let i = 0; i < 400; i++) send(single)
  source.refresh()
  const turn = openFrame(65_536)
  t.equal(source.take(turn), 'turn over')
  t.ok(turn.at >= 16_384 && turn.at < 16_384 + RESERVE.bytes)
  source.release()
  close()
})

t.test('what is no record makes a broken gateway', async (t) => {
  const broken: [what: string, (words: Words) => void][] = [
    ['an unknown kind', (words) => (words.u8[0] = 99)],
    ['a query', (words) => (words.u8[0] = KIND.queryAudit)],
    ['a configuration', (words) => (words.u8[0] = KIND.configure)],
    ['a tick without a test clock', (words) => (words.u8[0] = KIND.tick)],
    ['an illegal tail', (words) => (words.u16[1] = 12)],
    ['a tail beyond the ring', (words) => (words.u16[1] = 1_024)],
    ["another gateway's slot", (words) => (words.u16[2] = 3)],
    ['a chain without end', (words) => (words.u8[1] = FLAG.linked)],
  ]
  for (const [what, breakIt] of broken) {
    const { memory, gateway, close } = openRings({})
    const { words, bytes } = headOnly(KIND.reserve, 1)
    gateway.submit(words, bytes, 1)
    gateway.flush()
    breakIt(wordsOver(memory.commands.data))
    const source = new CommandSource(0, memory.commands, false)
    const frame = openFrame(4_096)
    source.refresh()
    t.throws(() => source.take(frame), RingBroken, what)
    t.equal(frame.count, 0, what)
    close()
  }
  const { memory, gateway, close } = openRings({})
  const all = allocateWords(1_025 * RESERVE.bytes)
  for (let i = 0; i < 1_025; i++) {
    const { words, bytes } = headOnly(KIND.reserve, i, i < 1_024 ? FLAG.linked : 0)
    all.u8.set(words.u8.subarray(0, bytes), i * bytes)
  }
  t.equal(gateway.submit(all, all.u8.length, 1_025), true)
  gateway.flush()
  const source = new CommandSource(0, memory.commands, false)
  source.refresh()
  t.throws(() => source.take(openFrame(FRAME_BYTES_MAX)), RingBroken, 'a chain of 1,025')
  close()
})
