// The state as bytes, in chunks: the input of the state digest, and what a snapshot holds. Reads the
// tables and changes nothing; state-layout.ts says what lies where.

import {
  allocateWords,
  CAPACITY_NAMES,
  copyWords,
  RESERVATION_STATE,
  RULES_VERSION,
  type Words,
  writeF64,
} from '../protocol/index.ts'
import type { Core } from './core.ts'
import { slotsBySequence } from './creation-order.ts'
import { type BytesSection, moduleSections } from './module-state.ts'
import { RESERVATION_ROW_BYTES } from './reservation-layout.ts'
import type { Reservations } from './reservations.ts'
import {
  ACCOUNT_ROW,
  BYTES_ROW,
  CORE_ROW,
  GROUP_ROW,
  LEDGER_ROW,
  OUTCOME_ROW,
  PASSED_OVER_ROW,
  type Progress,
  RESERVATION_ROW,
  SECTION,
  SECTION_HEAD,
  TAIL_ROW,
} from './state-layout.ts'

/** What the longest row fits in. */
const ROW_BYTES_MAX = 128

/** A section to be written. */
interface Section {
  readonly what: number
  readonly rowBytes: number
  readonly rows: number
  /** Writes `count` rows from number `n` at `at` of `out`. Bytes that it leaves are 0 or left over. */
  write(out: Words, at: number, n: number, count: number): void
}

/**
 * The state's bytes in chunks of whole rows, of `chunkBytes` at most (a multiple of 8, 128 at
 * least). A chunk is good until the next one is asked for; the state may not change from the first
 * to the last.
 */
export function* exportState(
  core: Core,
  progress: Progress,
  chunkBytes: number,
): Generator<Uint8Array, void> {
  if (!(chunkBytes >= ROW_BYTES_MAX && (chunkBytes & 7) === 0)) {
    throw new RangeError(
      `chunks of ${chunkBytes} bytes: a multiple of 8, ${ROW_BYTES_MAX} at least`,
    )
  }
  const out = allocateWords(chunkBytes)
  let at = 0
  for (const { what, rowBytes, rows, write } of sectionsOf(core, progress)) {
    if (at + SECTION_HEAD.bytes > chunkBytes) {
      yield out.u8.subarray(0, at)
      at = 0
    }
    out.u32[(at + SECTION_HEAD.what) >>> 2] = what
    out.u32[(at + SECTION_HEAD.rowBytes) >>> 2] = rowBytes
    writeF64(out, at + SECTION_HEAD.rows, rows)
    at += SECTION_HEAD.bytes
    for (let n = 0; n < rows; ) {
      const count = Math.min(rows - n, Math.floor((chunkBytes - at) / rowBytes))
      write(out, at, n, count)
      at += count * rowBytes
      n += count
      if (n === rows) break
      yield out.u8.subarray(0, at)
      at = 0
    }
  }
  if (at > 0) yield out.u8.subarray(0, at)
}

/** Section by section, so that the order of the reservations is made when it is its turn. */
function* sectionsOf(core: Core, progress: Progress): Generator<Section, void> {
  yield coreSection(core, progress)
  yield passedOverSection(progress)
  yield ledgersSection(core)
  yield accountsSection(core)
  yield tailsSection(core)
  const groups: number[] = []
  yield reservationsSection(core, groups)
  yield groupsSection(core, groups)
  yield outcomesSection(core)
  for (const section of moduleSections(core)) yield bytesSection(section)
}

function coreSection(core: Core, progress: Progress): Section {
  return {
    what: SECTION.core,
    rowBytes: CORE_ROW.bytes,
    rows: 1,
    write(out, at) {
      writeF64(out, at + CORE_ROW.rulesVersion, RULES_VERSION)
      writeF64(out, at + CORE_ROW.sequence, progress.sequence)
      writeF64(out, at + CORE_ROW.timeMs, progress.timeMs)
      writeF64(out, at + CORE_ROW.commands, progress.commandCount)
      writeF64(out, at + CORE_ROW.forgottenIdMs, core.forgottenIdMs)
      out.i32[(at + CORE_ROW.digest) >>> 2] = progress.digestA
      out.i32[(at + CORE_ROW.digest + 4) >>> 2] = progress.digestB
      for (const [n, name] of CAPACITY_NAMES.entries()) {
        writeF64(out, at + CORE_ROW.limits + n * 8, core.limits[name])
      }
    },
  }
}

function passedOverSection({ passedOver }: Progress): Section {
  const sequences = Float64Array.from(passedOver).sort()
  return {
    what: SECTION.passedOver,
    rowBytes: PASSED_OVER_ROW.bytes,
    rows: sequences.length,
    write(out, at, n, count) {
      out.f64.set(sequences.subarray(n, n + count), at >>> 3)
    },
  }
}

function ledgersSection({ book: { ledgers } }: Core): Section {
  return {
    what: SECTION.ledgers,
    rowBytes: LEDGER_ROW.bytes,
    rows: ledgers.count,
    write(out, at, n, count) {
      for (let slot = n, row = at; slot < n + count; slot++, row += LEDGER_ROW.bytes) {
        writeF64(out, row, 0)
        out.u32[(row + LEDGER_ROW.number) >>> 2] = ledgers.numbers[slot] as number
        writeF64(out, row + LEDGER_ROW.accounts, ledgers.accounts[slot] as number)
        writeF64(out, row + LEDGER_ROW.held, ledgers.held[slot] as number)
        writeF64(out, row + LEDGER_ROW.turnoverHigh, ledgers.turnoverHigh[slot] as number)
        writeF64(out, row + LEDGER_ROW.turnoverLow, ledgers.turnoverLow[slot] as number)
      }
    },
  }
}

function accountsSection({ book: { accounts } }: Core): Section {
  return {
    what: SECTION.accounts,
    rowBytes: ACCOUNT_ROW.bytes,
    rows: accounts.count,
    write(out, at, n, count) {
      for (let slot = n, row = at; slot < n + count; slot++, row += ACCOUNT_ROW.bytes) {
        accounts.copyId(slot, out, row + ACCOUNT_ROW.id)
        out.i32[(row + ACCOUNT_ROW.ledger) >>> 2] = accounts.ledger(slot)
        out.i32[(row + ACCOUNT_ROW.flags) >>> 2] =
          accounts.flags(slot) | (accounts.chainPlace(slot) << 8)
        writeF64(out, row + ACCOUNT_ROW.balance, accounts.balance(slot))
        writeF64(out, row + ACCOUNT_ROW.held, accounts.held(slot))
        writeF64(out, row + ACCOUNT_ROW.incoming, accounts.incoming(slot))
        writeF64(out, row + ACCOUNT_ROW.creditLimit, accounts.creditLimit(slot))
        writeF64(out, row + ACCOUNT_ROW.firstCreditLimit, accounts.firstCreditLimit(slot))
        writeF64(out, row + ACCOUNT_ROW.openedSequence, accounts.openedSequence(slot))
        writeF64(out, row + ACCOUNT_ROW.openedTimeMs, accounts.openedTimeMs(slot))
        out.i32[(row + ACCOUNT_ROW.metadataHash) >>> 2] = accounts.metadataHash(slot)
        out.u32[(row + ACCOUNT_ROW.tailBytes) >>> 2] = accounts.names.tailBytesOf(slot)
      }
    },
  }
}

function tailsSection({ book: { accounts } }: Core): Section {
  return {
    what: SECTION.tails,
    rowBytes: TAIL_ROW.bytes,
    rows: accounts.nameBytes / TAIL_ROW.bytes,
    write(out, at, n, count) {
      out.u8.set(
        accounts.names.tails.subarray(n * TAIL_ROW.bytes, (n + count) * TAIL_ROW.bytes),
        at,
      )
    },
  }
}

/** Notes the groups' slots in `groups`, in the order in which their oldest reservations come. */
function reservationsSection({ book }: Core, groups: number[]): Section {
  const rows = book.reservations
  const order = slotsBySequence(rows, book.accounts)
  const endings = endingsBySlot(rows)
  const numbers = new Int32Array(book.groups.slotsEnd)
  const numberOf = (group: number): number => {
    if (numbers[group - 1] === 0) numbers[group - 1] = groups.push(group - 1)
    return numbers[group - 1] as number
  }
  return {
    what: SECTION.reservations,
    rowBytes: RESERVATION_ROW.bytes,
    rows: order.length,
    write(out, at, n, count) {
      for (let i = n, row = at; i < n + count; i++, row += RESERVATION_ROW.bytes) {
        const slot = order[i] as number
        const isOpen = rows.state(slot) === RESERVATION_STATE.held
        const group = rows.group(slot)
        writeReservation(out, row, rows, slot)
        out.i32[(row + RESERVATION_ROW.groupHash) >>> 2] = book.groups.contentHashOf(slot)
        out.i32[(row + RESERVATION_ROW.ended) >>> 2] = endings[slot] as number
        writeF64(out, row + RESERVATION_ROW.endedAt, isOpen ? 0 : rows.endedAt(slot))
        out.i32[(row + RESERVATION_ROW.group) >>> 2] = group === 0 ? 0 : numberOf(group)
      }
    },
  }
}

/** How many ended before each slot, plus 1; 0 for those that are open. */
function endingsBySlot(rows: Reservations): Int32Array {
  const endings = new Int32Array(rows.slotsEnd)
  let n = 0
  for (const slot of rows.ended.slots()) endings[slot] = ++n
  return endings
}

function writeReservation(out: Words, row: number, rows: Reservations, slot: number): void {
  const { i32, f64 } = out
  copyWords(rows.words, slot * RESERVATION_ROW_BYTES, out, row + RESERVATION_ROW.id, 16)
  i32[(row + RESERVATION_ROW.debit) >>> 2] = rows.debit(slot)
  i32[(row + RESERVATION_ROW.credit) >>> 2] = rows.credit(slot)
  f64[(row + RESERVATION_ROW.amount) >>> 3] = rows.amount(slot)
  f64[(row + RESERVATION_ROW.settled) >>> 3] = rows.settled(slot)
  f64[(row + RESERVATION_ROW.released) >>> 3] = rows.released(slot)
  f64[(row + RESERVATION_ROW.expiresAt) >>> 3] = rows.expiresAt(slot)
  i32[(row + RESERVATION_ROW.state) >>> 2] =
    rows.state(slot) | (rows.flags(slot) << 8) | (rows.chainPlace(slot) << 16)
  i32[(row + RESERVATION_ROW.timeoutHash) >>> 2] = rows.timeoutHash(slot)
  i32[(row + RESERVATION_ROW.metadataHash) >>> 2] = rows.metadataHash(slot)
  f64[(row + RESERVATION_ROW.sequence) >>> 3] = rows.sequence(slot)
  f64[(row + RESERVATION_ROW.timeMs) >>> 3] = rows.timeMs(slot)
  f64[(row + RESERVATION_ROW.asked) >>> 3] = rows.asked(slot)
  f64[(row + RESERVATION_ROW.taken) >>> 3] = rows.taken(slot)
}

function groupsSection({ book: { groups } }: Core, order: readonly number[]): Section {
  return {
    what: SECTION.groups,
    rowBytes: GROUP_ROW.bytes,
    rows: order.length,
    write(out, at, n, count) {
      for (let i = 0; i < count; i++) {
        groups.copyId(order[n + i] as number, out, at + i * GROUP_ROW.bytes)
      }
    },
  }
}

function outcomesSection({ book: { outcomes } }: Core): Section {
  return {
    what: SECTION.outcomes,
    rowBytes: OUTCOME_ROW.bytes,
    rows: outcomes.count,
    write(out, at, n, count) {
      for (let i = 0; i < count; i++) {
        outcomes.copyRow(outcomes.slotAt(n + i), out, at + i * OUTCOME_ROW.bytes)
      }
    },
  }
}

/** Bytes that come in parts of any length, as rows of eight. Written from the first row to the last. */
function bytesSection({ what, bytes, parts }: BytesSection): Section {
  const source = parts()[Symbol.iterator]()
  let part = new Uint8Array(0)
  let done = 0
  return {
    what,
    rowBytes: BYTES_ROW.bytes,
    rows: bytes / BYTES_ROW.bytes,
    write(out, at, _n, count) {
      const end = at + count * BYTES_ROW.bytes
      for (let to = at; to < end; ) {
        if (done === part.length) {
          part = source.next().value as Uint8Array<ArrayBuffer>
          done = 0
        }
        const copied = Math.min(end - to, part.length - done)
        out.u8.set(part.subarray(done, done + copied), to)
        done += copied
        to += copied
      }
    },
  }
}
