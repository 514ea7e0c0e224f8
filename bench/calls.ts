// The module calls over the stream: what starts and ends take while 50,000 calls are live, offered at a
// fixed pace, and how many pairs of both there can be. A server of its own; the client is in this process.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect, type Holdfast } from '../client/index.ts'
import {
  allocateWords,
  copyWords,
  KIND,
  MODULE,
  moduleRoute,
  RECORD,
  type Words,
} from '../protocol/index.ts'
import { type Measured, pace, TICK_MS } from './pace.ts'
import { type BenchResult, machineConditions, median } from './result.ts'
import { startServerProcess } from './server-process.ts'
import { IdSource, Wire } from './wire.ts'

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
    const wire = await Wire.connect(server.url)
    const load = new CallLoad(await connect(server.url, { timeoutMs: 120_000 }), wire)
    await load.prepare()
    await load.fill(live)
    await load.paced(Math.max(...startsPerSecond), WARM_UP_SECONDS)
    const paces: Pace[] = []
    for (const starts of startsPerSecond) {
      const paced: Measured[] = []
      for (let i = 0; i < rounds; i++) paced.push(await load.paced(starts, seconds))
      paces.push({ starts, rounds: paced })
    }
    await load.assertLive(live)
    const pairs: number[] = []
    await load.pairsPerSecond(ROUND_MS / 3)
    for (let i = 0; i < rounds; i++) pairs.push(await load.pairsPerSecond(ROUND_MS))
    await load.assertLive(live)
    await wire.close()
    await load.hf.close()
    return resultOf(paces, pairs, { live, seconds, rounds })
  } finally {
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** So many starts a second and as many ends, in rounds. */
interface Pace {
  readonly starts: number
  readonly rounds: readonly Measured[]
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
        'commandsPerSecond at full speed; latencies of ticks at the pace, from when they were due; medians',
      server: 'holdfast serve with its defaults, its follower and its views',
      client:
        'on the same machine, one connection: holdfast/client at full speed, one that does next to nothing at the pace',
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

function figuresOf({ starts: asked, rounds }: Pace): Record<string, number> {
  const starts = (startsPerTick(asked) * 1_000) / TICK_MS
  const at = `at ${starts} starts and ${starts} ends a second`
  return {
    [`answered per second ${at}`]: median(
      rounds.map(({ commands, seconds }) => Math.round(commands / seconds)),
    ),
    [`p50Ms ${at}`]: median(rounds.map(({ p50Ms }) => p50Ms)),
    [`p99Ms ${at}`]: median(rounds.map(({ p99Ms }) => p99Ms)),
    [`p99Ms ${at}, slowest round`]: Math.max(...rounds.map(({ p99Ms }) => p99Ms)),
    [`p99.9Ms ${at}`]: median(rounds.map(({ p999Ms }) => p999Ms)),
  }
}

/** Starts calls, and ends those that were started first. */
class CallLoad {
  readonly hf: Holdfast
  readonly #wire: Wire
  readonly #startRecord = recordOf('start', startOf(0))
  readonly #endRecord = recordOf('end', endOf(0))
  readonly #ids = new IdSource()
  #started = 0
  #ended = 0

  /** Prepares, and runs at full speed, by `hf`; at a pace over `wire`. */
  constructor(hf: Holdfast, wire: Wire) {
    this.hf = hf
    this.#wire = wire
  }

  /** Customers with money, and a tariff. */
  async prepare(): Promise<void> {
    const rates = { ratePerMinute: RATE, initialIncrement: 30, increment: 6 }
    await this.#ask('put_tariff', { tariffId: 'all', prefix: '', ...rates })
    await this.#ask('change_settings', { ringingSeconds: RINGING_SECONDS })
    const customers = Array.from({ length: CUSTOMERS }, (_, i) => customerOf(i))
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

  /** As many starts and as many ends a second: see `pace`. */
  paced(startsPerSecond: number, seconds: number): Promise<Measured> {
    const wire = this.#wire
    const starts = startsPerTick(startsPerSecond)
    const write = (): void => {
      for (let n = 0; n < starts; n++) {
        const started = this.#started++
        this.#write(this.#startRecord, started, started)
        this.#write(this.#endRecord, this.#ended++, -1)
      }
    }
    const bytesMax = starts * (bytesOf(this.#startRecord) + bytesOf(this.#endRecord))
    return pace(
      { wire, perTick: starts * 2, bytesMax, write },
      delay(seconds * 1_000, undefined, { ref: false }),
    )
  }

  /** Adds a record for the call of this number; `caller` -1: it names no customer. */
  #write(record: Words, call: number, caller: number): void {
    const wire = this.#wire
    const bytes = bytesOf(record)
    const at = wire.place(bytes)
    copyWords(record, 0, wire.words, at, bytes)
    this.#ids.write(wire.words, at + RECORD.id)
    writeDigits(wire.words.u8, at + CALL_DIGITS_AT, call, CALL_DIGITS)
    if (caller >= 0) {
      const customer = (caller * 7_919) % CUSTOMERS
      writeDigits(wire.words.u8, at + CUSTOMER_DIGITS_AT, customer, CUSTOMER_DIGITS)
    }
    wire.add(bytes)
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
    await this.#ask('start', startOf(n))
  }

  async #end(n: number): Promise<void> {
    await this.#ask('end', endOf(n))
  }

  async #ask(name: string, input: object): Promise<void> {
    const { code, replayed, detail } = await this.hf.command('calls', name, input)
    if (code !== 'ok') throw new Error(`${name} was answered ${code} ${detail ?? ''}`)
    if (replayed) throw new Error(`${name} was known before`)
  }
}

/** Digits of a call's number and of a customer's, always as many. */
const CALL_DIGITS = 12
const CUSTOMER_DIGITS = 4

function callOf(n: number): string {
  return `call-${String(n).padStart(CALL_DIGITS, '0')}`
}

function customerOf(n: number): string {
  return `customer-${String(n).padStart(CUSTOMER_DIGITS, '0')}`
}

function startOf(n: number): object {
  return {
    callId: callOf(n),
    customerId: customerOf((n * 7_919) % CUSTOMERS),
    destination: '+4930123456',
    mode: 'max',
    maxSeconds: MAX_SECONDS,
  }
}

function endOf(n: number): object {
  return { callId: callOf(n), durationSeconds: TALK_SECONDS }
}

/** Where the digits lie in the records of both: the ids come first in their JSON. */
const CALL_DIGITS_AT = MODULE.bytes + '{"callId":"call-'.length
const CUSTOMER_DIGITS_AT = CALL_DIGITS_AT + CALL_DIGITS + '","customerId":"customer-'.length

/** The record of a command of the module as the stream takes it (docs/stream.md), but for its id. */
function recordOf(name: string, input: object): Words {
  const json = Buffer.from(JSON.stringify(input))
  const tailBytes = (json.length + 7) & ~7
  const words = allocateWords(MODULE.bytes + tailBytes)
  words.u8[RECORD.kind] = KIND.module
  words.u16[RECORD.tailBytes >>> 1] = tailBytes
  words.i32[MODULE.route >>> 2] = moduleRoute('calls', name)
  words.u32[MODULE.inputBytes >>> 2] = json.length
  words.u8.set(json, MODULE.bytes)
  return words
}

/** Starts of one tick at a rate, one at least. */
function startsPerTick(startsPerSecond: number): number {
  return Math.max(1, Math.round((startsPerSecond / 1_000) * TICK_MS))
}

function bytesOf(record: Words): number {
  return record.u8.length
}

function writeDigits(u8: Uint8Array, at: number, value: number, digits: number): void {
  let rest = value
  for (let n = digits - 1; n >= 0; n--) {
    u8[at + n] = 0x30 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}
