// The engine alone: frames of reserves and settles, as the journal would hand them over, decided and
// answered into memory. No ring, no journal, no gateway.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Engine, type OutcomeSink } from '../engine/index.ts'
import {
  AMOUNT_MAX,
  allocateAccountNames,
  allocateWords,
  CAPACITIES_DEFAULT,
  type Capacities,
  OUTCOME,
  OUTCOME_BYTES_MAX,
  STATUS,
  type Words,
} from '../protocol/index.ts'
import { tuneV8 } from '../runtime/index.ts'
import { FrameFiller } from './frame-filler.ts'
import { type BenchResult, machineConditions, median } from './result.ts'

/** What may be set; the rest is as a server has it by default. */
export interface EngineBenchOptions {
  /** Accounts that reserves are spread over; 10,000 where not given. */
  readonly accounts?: number
  /** Reservations that stay open throughout; 1,000 where not given. */
  readonly openReservations?: number
  /** Measured rounds; 7 where not given. */
  readonly rounds?: number
  /** Commands in a round, half reserves and half settles; 1,000,000 where not given. */
  readonly commandsPerRound?: number
  /** Rows for reservations and for outcomes, beside the open ones; 1,048,576 of each where not given. */
  readonly rememberedMax?: number
}

/** Journal time passes as if commands came at this rate: what the default capacities sustain. */
const JOURNAL_COMMANDS_PER_MS = 500
/** Encoded ahead of each measured stretch, so that encoding is not measured. */
const FRAMES_AHEAD = 32
const OUTCOME_RING_BYTES = 4_194_304
const AMOUNT = 10
const MILLION = 1_000_000

/** Takes outcomes as a gateway's ring would, and counts what is not `ok`. */
class CountingSink implements OutcomeSink {
  readonly words: Words = allocateWords(OUTCOME_RING_BYTES)
  at = 0
  #next = 0
  #last = -1
  refused = 0
  answered = 0

  claim(_gateway: number, bytes: number): boolean {
    this.look()
    if (this.#next + bytes > OUTCOME_RING_BYTES - OUTCOME_BYTES_MAX) this.#next = 0
    this.at = this.#next
    this.#next += bytes
    this.#last = this.at
    return true
  }

  /** Counts the outcome that was written last. */
  look(): void {
    if (this.#last < 0) return
    this.answered++
    if (this.words.u16[(this.#last + OUTCOME.status) >>> 1] !== STATUS.ok) this.refused++
    this.#last = -1
  }
}

/**
 * The benchmark as `holdfast bench engine` runs it: 10,000 accounts, and beside that a server's default
 * room to remember, and a million accounts with four million open reservations. About 100 s.
 */
export async function benchEngineSizes(): Promise<BenchResult> {
  tuneV8()
  const result = await inThread({})
  const large = await inThread({
    accounts: MILLION,
    openReservations: 4 * MILLION,
    rounds: 5,
  })
  const { outcomesMax } = CAPACITIES_DEFAULT
  const roomy = await inThread({ rememberedMax: outcomesMax, rounds: 5 })
  return {
    ...result,
    figures: {
      'commandsPerSecond, with 1,000,000 accounts and 4,000,000 open reservations':
        large.commandsPerSecond,
      [`commandsPerSecond, with room for ${outcomesMax} outcomes and as many reservations`]:
        roomy.commandsPerSecond,
    },
  }
}

/** Measures one size in a thread of its own, for an engine has a thread to itself. */
async function inThread(options: EngineBenchOptions): Promise<BenchResult> {
  const worker = new Worker(new URL('./engine-thread.js', import.meta.url), { workerData: options })
  const [result] = (await once(worker, 'message')) as [BenchResult]
  return result
}

/** Measures once; takes about ten seconds with 10,000 accounts. */
export async function benchEngine(options: EngineBenchOptions = {}): Promise<BenchResult> {
  tuneV8()
  const accounts = options.accounts ?? 10_000
  const open = options.openReservations ?? 1_000
  const rounds = options.rounds ?? 7
  const commandsPerRound = options.commandsPerRound ?? 1_000_000
  const remembered = options.rememberedMax ?? 1_048_576
  const windowMs = Math.floor(remembered / JOURNAL_COMMANDS_PER_MS)
  const capacities: Capacities = {
    ...CAPACITIES_DEFAULT,
    accountsMax: accounts + 1,
    reservationsMax: open + remembered,
    outcomesMax: remembered,
    windowMs,
  }
  const load = new Load(capacities, accounts, open)
  load.prepare()
  // Until the memory is full and every command forgets one: the state that a server lives in.
  load.run(Math.ceil(remembered * 2.2))
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    const seconds = load.run(commandsPerRound)
    rates.push(Math.round(load.ran / seconds))
  }
  load.assertAllPassed()
  return {
    name: 'engine',
    commandsPerSecond: median(rates),
    rounds: rates,
    conditions: {
      ...machineConditions(),
      commands: 'reserve and settle in turn, each with an id of its own, each outcome written',
      accounts,
      openReservations: open,
      commandsPerRound,
      rememberedReservationsMax: remembered,
      rememberedOutcomesMax: remembered,
      windowMs,
      journalTime: `${JOURNAL_COMMANDS_PER_MS * 1000} commands/s`,
      reservedBytes: load.engine.reservedBytes.all,
      hugePages: process.env.GLIBC_TUNABLES ?? 'as the system has them',
    },
  }
}

/** Accounts, funds and a stream of reserves and settles that never fails. */
class Load {
  readonly engine: Engine
  /** Commands of the last run. */
  ran = 0
  readonly #sink = new CountingSink()
  readonly #filler: FrameFiller
  readonly #accounts: number
  /** Numbers of the reservations that are open. */
  readonly #open: Float64Array
  #nextReservation = 0
  #nextSettle = 0
  #random = 0x2545f491

  constructor(capacities: Capacities, accounts: number, open: number) {
    const names = allocateAccountNames(capacities.accountsMax, capacities.accountNameBytesMax)
    const seed = randomBytes(4).readUInt32LE()
    this.engine = new Engine({ capacities, names, seed, sink: this.#sink })
    this.#filler = new FrameFiller(FRAMES_AHEAD, JOURNAL_COMMANDS_PER_MS)
    this.#accounts = accounts
    this.#open = new Float64Array(open)
  }

  /** Opens the accounts, funds them, and makes the reservations that stay open. */
  prepare(): void {
    const filler = this.#filler
    filler.openAccount(0, true)
    for (let n = 1; n <= this.#accounts; n++) {
      this.#roomFor(2)
      filler.openAccount(n, false)
      filler.transfer(n, 0, n, Math.floor(AMOUNT_MAX / 2 / this.#accounts))
    }
    for (let n = 0; n < this.#open.length; n++) {
      this.#roomFor(1)
      this.#reserve(n)
    }
    this.#apply()
  }

  /** Runs about `commands` commands; gives back the seconds that deciding them took. */
  run(commands: number): number {
    let seconds = 0
    this.ran = 0
    while (this.ran < commands) {
      let encoded = 0
      while (this.#filler.hasRoom(2)) {
        const n = this.#below(this.#open.length)
        this.#filler.settle(this.#nextSettle++, this.#open[n] as number)
        this.#reserve(n)
        encoded += 2
      }
      seconds += this.#apply()
      this.ran += encoded
    }
    return seconds
  }

  assertAllPassed(): void {
    this.#sink.look()
    if (this.#sink.refused > 0) throw new Error(`${this.#sink.refused} commands were refused`)
    const violations = this.engine.checkInvariants()
    if (violations.length > 0) throw new Error(`the books do not balance: ${violations[0]?.detail}`)
  }

  #reserve(n: number): void {
    const debit = 1 + this.#below(this.#accounts)
    const credit = debit === this.#accounts ? 1 : debit + 1
    this.#open[n] = this.#nextReservation
    this.#filler.reserve(this.#nextReservation++, debit, credit, AMOUNT)
  }

  #roomFor(records: number): void {
    if (!this.#filler.hasRoom(records)) this.#apply()
  }

  #apply(): number {
    const frames = this.#filler.finish()
    const start = performance.now()
    for (const at of frames) this.engine.applyFrame(this.#filler.words, at, true)
    const seconds = (performance.now() - start) / 1000
    this.#filler.begin()
    return seconds
  }

  /** A number from 0 to below `n`: xorshift32, the same in every run. */
  #below(n: number): number {
    let x = this.#random
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#random = x
    return (x >>> 0) % n
  }
}
