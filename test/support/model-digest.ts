// The outcome digest computed from its definition, in BigInt: shares nothing with
// protocol/digest.ts.

import { COMMAND_NAMES, KIND, STATUS } from '../../protocol/index.ts'
import type { AccountView, Outcome } from './commands.ts'

const GOLDEN = 0x9e3779b1n
const A = 0x85ebca77n
const B = 0xc2b2ae3dn

const u32 = (value: bigint): bigint => BigInt.asUintN(32, value)
const rotateLeft = (word: bigint, bits: bigint): bigint =>
  u32((word << bits) | (word >> (32n - bits)))

/** The digest of all that was rolled in so far. */
export class ModelDigest {
  #a = 0x486f6c64n
  #b = 0x66617374n

  /** A command's outcome; `sequence` is that of its record, not of the outcome it replays. */
  rollOutcome(sequence: number, outcome: Outcome): void {
    if (outcome.replayed) return
    const kind = COMMAND_NAMES[outcome.type as keyof typeof COMMAND_NAMES]
    this.#roll(fold(sequence))
    this.#roll(word(STATUS[outcome.code], kind))
    this.#roll(fold(outcome.moved))
    for (const account of outcome.accounts) this.#roll(accountWord(account))
  }

  /** The expiry of the reservation that was created at `sequence`. */
  rollExpiry(sequence: number, amount: number, debit: AccountView, credit: AccountView): void {
    this.#roll(fold(sequence))
    this.#roll(word(0, KIND.expire))
    this.#roll(fold(amount))
    this.#roll(accountWord(debit))
    this.#roll(accountWord(credit))
  }

  /** Sixteen hexadecimal digits. */
  toString(): string {
    return this.#a.toString(16).padStart(8, '0') + this.#b.toString(16).padStart(8, '0')
  }

  #roll(value: bigint): void {
    this.#a = rotateLeft(u32((this.#a ^ value) * A), 15n)
    this.#b = u32(rotateLeft(u32((this.#b ^ rotateLeft(value, 16n)) * B), 13n) + GOLDEN)
  }
}

function word(status: number, kind: number): bigint {
  return BigInt(status) | (BigInt(kind) << 16n)
}

function fold(value: number): bigint {
  const exact = BigInt(value)
  return u32(exact) ^ u32(u32(exact >> 32n) * GOLDEN)
}

function accountWord(account: AccountView): bigint {
  const flags =
    (account.external ? 1n : 0n) +
    (account.history ? 2n : 0n) +
    (account.frozen ? 4n : 0n) +
    (account.closed ? 8n : 0n)
  return (
    u32(foldBits(account.balance) * 0x9e3779b1n) ^
    u32(foldBits(account.held) * 0x85ebca77n) ^
    u32(foldBits(account.incoming) * 0xc2b2ae3dn) ^
    u32(foldBits(account.creditLimit) * 0x27d4eb2fn) ^
    u32(flags * 0x165667b1n)
  )
}

/** The bits of the double that holds `value`, low word and high word, as one word. */
function foldBits(value: number): bigint {
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, value)
  return BigInt(bits.getUint32(4)) ^ u32(BigInt(bits.getUint32(0)) * GOLDEN)
}
