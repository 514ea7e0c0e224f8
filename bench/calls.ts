// The module calls over the stream: what starts and ends take while 50,000 calls are live, offered at a
// fixed pace, and how many pairs of both there can be. A server of its own; the client is in this process.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as delay, setImmediate as takeTurn } from 'node:timers/promises'
import { connect, type Holdfast } from '../client/index.ts'
import { type BenchResult, machineConditions, median } from './result.ts'
import { startServerProcess } from './server-process.ts'

/** What may be set. */
export interface CallsBenchOptions {
  /** Calls that are live at any time; 50,000 where not given. */
  readonly live?: number
  /** Paces: starts a second, and as many ends; 5,000 and then 10,000 where not given. */
  readonly startsPerSecond?: readonly number[]
  /** Seconds of each round at the pace; 5 where not given. */
  readonly seconds?: number
  /** Rounds at the pace, and as many of 3 s at full speed; 5 where not given. */
  readonly rounds?: number
}

const CUSTOMERS = 1_000
const MAX_SECONDS = 600
const TALK_SECONDS = 75

/** A minute of talk, and what each customer has: more than it can spend. */
const RATE = 6_000
const PAID_IN = 2 ** 40

/** Starts a second, and as many ends: 10,000 commands together, and 10,000 of each. */
const PACES: readonly number[] = [5_000, 10_000]

/** Starts and ends of one tick are sent together. */
const TICK_MS = 1

/** Calls that go their way at the same time at full speed. */
const AHEAD = 2_048
const ROUND_MS = 3_000

/**
 * How long calls come at the pace before it is measured: until the module keeps as many finished calls as it
 * ever does, and V8 has seen what there is to see; each first time throws compiled code away.
 */
const WARM_UP_SECONDS = 40

/** Longer than any measurement, so that none expires, in seconds. */
const RINGING_SECONDS = 86_400

/** Measures. Throws where anything is answered but `ok`. */
export async function benchCalls(options: CallsBenchOptions = {}): Promise<BenchResult> {
  const { live = 50_000, startsPerSecond = PACES, seconds = 5, rounds = 5 } = options
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  const server = await startServerProcess(dataDir, [], { isQuiet: true })
  try {
    const load = new CallLoad(await connect(server.url, { timeoutMs: 120_000 }))
    await load.prepare()
    await load.fill(live)
    await load.paced(Math.max(...startsPerSecond), WARM_UP_SECONDS)
    const paces: Pace[] = []
    for (const starts of startsPerSecond) {
      const paced: Paced[] = []
      for (let i = 0; i < rounds; i++) paced.push(await load.paced(starts, seconds))
      paces.push({ starts, rounds: paced })
    }
    await load.assertLive(live)
    const pairs: number[] = []
    await load.pairsPerSecond(ROUND_MS / 3)
    for (let i = 0; i < rounds; i++) pairs.push(await load.pairsPerSecond(ROUND_MS))
    await load.assertLive(live)
    await load.hf.close()
    return resultOf(paces, pairs, { live, seconds, rounds })
  } finally {
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** What one round at a pace came to. */
interface Paced {
  /** Of starts and ends. */
  readonly latency: RecordableHistogram
  /** Starts and ends that were answered a second. */
  readonly commandsPerSecond: number
}

/** So many starts a second and as many ends, in rounds. */
interface Pace {
  readonly starts: number
  readonly rounds: readonly Paced[]
}

function resultOf(
  paces: readonly Pace[],
  pairs: readonly number[],
  { live, seconds, rounds }: Required<Omit<CallsBenchOptions, 'startsPerSecond'>>,
): BenchResult {
  return {
    name: 'calls',
    commandsPerSecond: median(pairs) * 2,
    rounds: pairs.map((count) => count * 2),
    conditions: {
      ...machineConditions(),
      commands: 'starts and ends of calls, durable before the answer',
      measured:
        'commandsPerSecond at full speed; latencies at the pace, from when each was due; medians',
      server: 'holdfast serve with its defaults, its follower and its views',
      client: 'holdfast/client on the same machine, one connection',
      liveCalls: live,
      tickMs: TICK_MS,
      secondsPerRoundAtPace: seconds,
      warmUpSeconds: WARM_UP_SECONDS,
      roundsAtPace: rounds,
      customers: CUSTOMERS,
      roundsAtFullSpeed: rounds,
      secondsPerRound: ROUND_MS / 1_000,
      callsAtOnceAtFullSpeed: AHEAD,
      dataDirectory: tmpdir(),
    },
    figures: {
      ...Object.assign({}, ...paces.map(figuresOf)),
      'pairsPerSecond at full speed': median(pairs),
    },
  }
}

function figuresOf({ starts, rounds }: Pace): Record<string, number> {
  const all = (percentile: number): number[] =>
    rounds.map(({ latency }) => latency.percentile(percentile) / 1_000)
  const at = `at ${starts} starts and ${starts} ends a second`
  return {
    [`answered per second ${at}`]: median(rounds.map((round) => round.commandsPerSecond)),
    [`p50Ms ${at}`]: median(all(50)),
    [`p99Ms ${at}`]: median(all(99)),
    [`p99Ms ${at}, slowest round`]: Math.max(...all(99)),
    [`p99.9Ms ${at}`]: median(all(99.9)),
  }
}

/** Starts calls, and ends those that were started first. */
class CallLoad {
  readonly hf: Holdfast
  #started = 0
  #ended = 0

  constructor(hf: Holdfast) {
    this.hf = hf
  }

  /** Customers with money, and a tariff. */
  async prepare(): Promise<void> {
    const rates = { ratePerMinute: RATE, initialIncrement: 30, increment: 6 }
    await this.#ask('put_tariff', { tariffId: 'all', prefix: '', ...rates })
    await this.#ask('change_settings', { ringingSeconds: RINGING_SECONDS })
    const customers = Array.from({ length: CUSTOMERS }, (_, i) => `customer-${i}`)
    await Promise.all(
      customers.map((customerId) => this.#ask('add_customer', { customerId, currency: 'EUR' })),
    )
    await Promise.all(
      customers.map((customerId) => this.#ask('top_up', { customerId, amount: PAID_IN })),
    )
  }

  /** Starts calls that stay. */
  async fill(count: number): Promise<void> {
    const last = this.#started + count
    const line = async (): Promise<void> => {
      while (this.#started < last) await this.#start(this.#started++)
    }
    await Promise.all(Array.from({ length: AHEAD }, line))
  }

  /** As many starts and as many ends a second, in every tick, whether answers came or not. */
  async paced(startsPerSecond: number, seconds: number): Promise<Paced> {
    const latency = createHistogram()
    const startedMs = performance.now()
    let failure: unknown
    let unanswered = 0
    const timed = (dueMs: number, sent: Promise<void>): void => {
      unanswered++
      const answered = (): void => {
        unanswered--
        // From when it was due: a client that is late must not hide a server that is.
        latency.record(Math.max(1, Math.round((performance.now() - dueMs) * 1_000)))
      }
      sent.then(answered, (error) => {
        failure = error
      })
    }
    const perTick = Math.round((startsPerSecond / 1_000) * TICK_MS)
    const ticks = (seconds * 1_000) / TICK_MS
    for (let tick = 0; tick < ticks || unanswered > 0; tick++) {
      if (failure !== undefined) throw failure
      const dueMs = startedMs + tick * TICK_MS
      const earlyMs = dueMs - performance.now()
      // Also where it is late: answers come in only while it waits.
      await (earlyMs > 0 ? delay(earlyMs) : takeTurn())
      for (let n = 0; tick < ticks && n < perTick; n++) {
        timed(dueMs, this.#start(this.#started++))
        timed(dueMs, this.#end(this.#ended++))
      }
    }
    const tookMs = performance.now() - startedMs
    return { latency, commandsPerSecond: Math.round((2 * perTick * ticks * 1_000) / tookMs) }
  }

  /** Calls that are started and ended at once, with as many as there may be on their way. */
  async pairsPerSecond(ms: number): Promise<number> {
    const startedMs = performance.now()
    let pairs = 0
    const line = async (): Promise<void> => {
      while (performance.now() - startedMs < ms) {
        await this.#start(this.#started++)
        await this.#end(this.#ended++)
        pairs++
      }
    }
    await Promise.all(Array.from({ length: AHEAD }, line))
    return Math.round((pairs * 1_000) / (performance.now() - startedMs))
  }

  /** Each start that was answered must stand for a call of its own. */
  async assertLive(count: number): Promise<void> {
    const audit = await this.hf.audit()
    if (audit.code !== 'ok' || audit.openReservations !== count) {
      throw new Error(`${count} calls are live, and the audit says ${JSON.stringify(audit)}`)
    }
  }

  async #start(n: number): Promise<void> {
    await this.#ask('start', {
      callId: `call-${n}`,
      customerId: `customer-${(n * 7_919) % CUSTOMERS}`,
      destination: '+4930123456',
      mode: 'max',
      maxSeconds: MAX_SECONDS,
    })
  }

  async #end(n: number): Promise<void> {
    await this.#ask('end', { callId: `call-${n}`, durationSeconds: TALK_SECONDS })
  }

  async #ask(name: string, input: object): Promise<void> {
    const { code, replayed, detail } = await this.hf.command('calls', name, input)
    if (code !== 'ok') throw new Error(`${name} was answered ${code} ${detail ?? ''}`)
    if (replayed) throw new Error(`${name} was known before`)
  }
}
