// open_account, set_credit_limit, freeze_account, unfreeze_account, close_account. Each handler is a
// run of guards in order of precedence, then a marked line, then changes that cannot fail.

import {
  ACCOUNT_CHANGE,
  ACCOUNT_FLAG,
  KIND,
  OPEN_ACCOUNT,
  readI64,
  SET_CREDIT_LIMIT,
  STATUS,
  type Words,
} from '../protocol/index.ts'
import { NONE } from './id-index.ts'
import { writer } from './writer.ts'

/** Opens an account; the caller knows that its id is new. */
export function openAccount(words: Words, at: number): number {
  const { core } = writer
  const { book, limits, decision } = core
  const ledger = words.u32[(at + OPEN_ACCOUNT.ledger) >>> 2] as number
  if (core.side === 0 && core.modules.registry.ownsName(words, at)) return STATUS.owned_by_module
  if (book.accounts.count >= limits.accountsMax) return STATUS.accounts_full
  if (!book.accounts.hasNameRoom(words, at, limits.accountNameBytesMax)) {
    return STATUS.accounts_full
  }
  if (book.ledgers.find(ledger) === NONE && book.ledgers.count >= limits.ledgersMax) {
    return STATUS.ledgers_full
  }
  // ---- nothing below can fail ----
  decision.show(
    book.openAccount(words, at, core.ownHash, core.sequence, core.nowMs, core.chainPlace),
  )
  return STATUS.ok
}

/** Sets an account's credit limit to a value that covers what is in use. */
export function setCreditLimit(words: Words, at: number): number {
  const { core } = writer
  const { accounts } = core.book
  const account = accounts.find(words, at + SET_CREDIT_LIMIT.account, core.firstHash)
  const value = readI64(words, at + SET_CREDIT_LIMIT.value)
  if (account === NONE) return STATUS.account_not_found
  if (accounts.isClosed(account)) return STATUS.account_closed
  if (core.isForeign(accounts.flags(account))) return STATUS.owned_by_module
  core.decision.show(account)
  if (!accounts.isExternal(account)) {
    const minimum = accounts.held(account) - accounts.balance(account)
    if (value < minimum) return STATUS.limit_in_use
  }
  // ---- nothing below can fail ----
  core.book.setCreditLimit(account, value)
  return STATUS.ok
}

/** Stops new debits of an account, or allows them again. */
export function freezeAccount(words: Words, at: number): number {
  const { core } = writer
  const { accounts } = core.book
  const account = accounts.find(words, at + ACCOUNT_CHANGE.account, core.firstHash)
  if (account === NONE) return STATUS.account_not_found
  if (accounts.isClosed(account)) return STATUS.account_closed
  if (core.isForeign(accounts.flags(account))) return STATUS.owned_by_module
  // ---- nothing below can fail ----
  const others = accounts.flags(account) & ~ACCOUNT_FLAG.frozen
  const frozen = words.u8[at] === KIND.freezeAccount ? ACCOUNT_FLAG.frozen : 0
  core.book.setFlags(account, others | frozen)
  core.decision.show(account)
  return STATUS.ok
}

/** Closes an account that is empty; one that is closed stays so. */
export function closeAccount(words: Words, at: number): number {
  const { core } = writer
  const { accounts } = core.book
  const account = accounts.find(words, at + ACCOUNT_CHANGE.account, core.firstHash)
  if (account === NONE) return STATUS.account_not_found
  if (core.isForeign(accounts.flags(account))) return STATUS.owned_by_module
  core.decision.show(account)
  const inUse =
    accounts.balance(account) !== 0 ||
    accounts.held(account) !== 0 ||
    accounts.incoming(account) !== 0
  if (inUse) return STATUS.account_in_use
  // ---- nothing below can fail ----
  core.book.setFlags(account, accounts.flags(account) | ACCOUNT_FLAG.closed)
  return STATUS.ok
}
