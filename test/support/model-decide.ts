// Which rule of the model decides which type of command. No rule is here.

import type { Command } from './commands.ts'
import {
  type Circumstances,
  closeAccount,
  type Decision,
  freeze,
  openAccount,
  setCreditLimit,
  transfer,
} from './model-accounts.ts'
import { extend, release, reserve, resolveGroup, settle } from './model-reservations.ts'
import type { ModelState } from './model-state.ts'

/** Decides a legal command under a new id, and changes the state where that is `ok`. */
export function decide(state: ModelState, command: Command, at: Circumstances): Decision {
  switch (command.type) {
    case 'open_account':
      return openAccount(state, command, at)
    case 'set_credit_limit':
      return setCreditLimit(state, command)
    case 'freeze_account':
    case 'unfreeze_account':
      return freeze(state, command)
    case 'close_account':
      return closeAccount(state, command)
    case 'transfer':
      return transfer(state, command)
    case 'reserve':
      return reserve(state, command, at)
    case 'settle':
      return settle(state, command, at)
    case 'release':
      return release(state, command, at)
    case 'extend':
      return extend(state, command, at)
    case 'settle_group':
    case 'release_group':
      return resolveGroup(state, command, at)
  }
}
