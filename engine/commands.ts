// The way of one command: known already? too old? room to remember it? Then its handler decides.

import {
  FLAG,
  IS_REMEMBERED,
  isOwnedId,
  isWellFormed,
  KIND,
  RECORD,
  STATUS,
  type Words,
} from '../protocol/index.ts'
import { closeAccount, freezeAccount, openAccount, setCreditLimit } from './account-commands.ts'
import { readContent } from './content.ts'
import { NONE } from './id-index.ts'
import { forgetOld, hasReservationRoom, makeOutcomeRoom, makeReplyRoom } from './memory-room.ts'
import { finishRow, keepReply } from './module-memory.ts'
import { CHAIN_PLACE } from './outcome-memory.ts'
import { compareWithKnown, findKnown, guardIdTime, replay } from './recall.ts'
import { extend, release, releaseGroup, settle, settleGroup } from './resolve-commands.ts'
import {
  guardNewGroup,
  guardReserve,
  guardTransfer,
  reserve,
  transfer,
} from './transfer-commands.ts'
import { writer } from './writer.ts'

/** Decides the command at `at`, which is in no chain, and remembers what came of it. */
export function decideAlone(words: Words, at: number): number {
  const { core } = writer
  core.chainPlace = CHAIN_PLACE.alone
  forgetOld()
  if (isDry(words, at) || !isDecidable(words, at)) return STATUS.malformed
  if (isTakenId(words, at)) return STATUS.owned_by_module
  const known = findKnown(words, at)
  if (known !== NONE) {
    readContent(core.content, words, at, CHAIN_PLACE.alone)
    const difference = compareWithKnown(known, words, at)
    return difference === STATUS.ok ? replay(known, words, at) : difference
  }
  let status = guardIdTime(words, at)
  if (status !== STATUS.ok) return status
  if (words.u8[at] !== KIND.openAccount) {
    status = makeOutcomeRoom(1)
    if (status !== STATUS.ok) return status
  }
  if (words.u8[at] === KIND.module) {
    status = makeReplyRoom(1)
    if (status !== STATUS.ok) return status
  }
  status = handle(words, at)
  remember(words, at, status, false)
  return status
}

/** Whether a command of the core has an id that modules alone may have. */
export function isTakenId(words: Words, at: number): boolean {
  return isOwnedId(words, at + RECORD.id) && words.u8[at] !== KIND.module
}

/** Whether the command at `at` has legal fields, and a handler. */
export function isDecidable(words: Words, at: number): boolean {
  if (!isWellFormed(words, at)) return false
  return words.u8[at] !== KIND.module || writer.core.modules.registry.takes(words, at)
}

/** Runs the handler of the command's kind. */
export function handle(words: Words, at: number): number {
  switch (words.u8[at]) {
    case KIND.openAccount:
      return openAccount(words, at)
    case KIND.setCreditLimit:
      return setCreditLimit(words, at)
    case KIND.freezeAccount:
    case KIND.unfreezeAccount:
      return freezeAccount(words, at)
    case KIND.closeAccount:
      return closeAccount(words, at)
    case KIND.transfer:
      return transfer(words, at)
    case KIND.reserve:
      return reserve(words, at)
    case KIND.settle:
      return settle(words, at)
    case KIND.release:
      return release(words, at)
    case KIND.extend:
      return extend(words, at)
    case KIND.settleGroup:
      return settleGroup(words, at)
    case KIND.module:
      return writer.core.modules.decide(words, at)
    default:
      return releaseGroup(words, at)
  }
}

/**
 * Keeps an outcome under the command's id, where its status is one that is kept. Accounts are known by
 * their rows, and so are granted reserves. `continuesChain`: the row before is of the same chain.
 */
export function remember(words: Words, at: number, status: number, continuesChain: boolean): void {
  const { core } = writer
  const { book, content, decision } = core
  const kind = words.u8[at]
  if (kind === KIND.openAccount || IS_REMEMBERED[status] === 0) return
  if (kind === KIND.reserve && status === STATUS.ok) return
  readContent(content, words, at, core.chainPlace)
  content.continuesChain = continuesChain
  let { moved } = decision
  if (kind === KIND.module) {
    // A row has a double for what moved, or for a refusal's metadata: here for the reply's place.
    moved = keepReply(core)
    content.metadataHash = moved
  }
  const slot = book.outcomes.add(
    words,
    at + RECORD.id,
    content,
    status,
    moved,
    core.sequence,
    core.nowMs,
  )
  if (kind === KIND.module) finishRow(core, slot, words, at)
  book.commands.insert(slot * 2 + 1, core.ownHash)
}

/**
 * Says what a transfer or reserve would come to, and changes nothing. The accounts are left as the
 * command would leave them, until `undoDryRun`.
 */
export function decideDry(words: Words, at: number): number {
  const { core } = writer
  const kind = words.u8[at]
  core.chainPlace = CHAIN_PLACE.alone
  const isLinked = ((words.u8[at + RECORD.flags] as number) & FLAG.linked) !== 0
  if ((kind !== KIND.transfer && kind !== KIND.reserve) || isLinked || !isWellFormed(words, at)) {
    return STATUS.malformed
  }
  if (isTakenId(words, at)) return STATUS.owned_by_module
  const known = findKnown(words, at)
  if (known !== NONE) {
    readContent(core.content, words, at, CHAIN_PLACE.alone)
    const difference = compareWithKnown(known, words, at)
    return difference === STATUS.ok ? replay(known, words, at) : difference
  }
  const status = guardIdTime(words, at)
  return status === STATUS.ok ? tryOut(words, at, kind) : status
}

function tryOut(words: Words, at: number, kind: number): number {
  const { book, decision } = writer.core
  const isTransfer = kind === KIND.transfer
  let status = isTransfer ? guardTransfer(words, at) : guardReserve(words, at)
  if (status !== STATUS.ok) return status
  if (!isTransfer) {
    status = guardNewGroup(words, at)
    if (status === STATUS.ok) status = hasReservationRoom()
    if (status !== STATUS.ok) {
      decision.accountCount = 0
      return status
    }
  }
  decision.moved = decision.taken
  book.undo.isOn = true
  if (isTransfer) book.post(decision.debit, decision.credit, decision.taken)
  else book.hold(decision.debit, decision.credit, decision.taken)
  return STATUS.ok
}

/** Takes back what `decideDry` tried out. */
export function undoDryRun(): void {
  writer.core.book.rollback()
}

function isDry(words: Words, at: number): boolean {
  return ((words.u8[at + RECORD.flags] as number) & FLAG.dryRun) !== 0
}
