// What an embedded engine's calls of modules become: the records that a gateway would make of the same
// input, checked by the same schemas.

import type { ModuleAsk, ModuleCodec } from '../client/index.ts'
import { KIND, type ModuleSurface } from '../protocol/index.ts'
import {
  type Action,
  type ActionInput,
  Actions,
  differenceCode,
  inputFault,
  writeAction,
} from '../surface/index.ts'

/** A codec for the modules of these surfaces. Throws `TypeError` where they do not go together. */
export function createModuleCodec(surfaces: readonly ModuleSurface[]): ModuleCodec {
  const actions = new Actions(surfaces)
  const actionOf = ({ kind, module, name }: ModuleAsk): Action | undefined =>
    kind === KIND.module ? actions.command(module, name) : actions.query(module, name)
  return {
    write(words, ask, id, json) {
      const action = actionOf(ask)
      if (action === undefined) return NO_ACTION
      // As a gateway parses it: without what JSON leaves out.
      const input: unknown = JSON.parse(json)
      return inputFault(action, input) ?? writeAction(words, 0, action, id, input as ActionInput)
    },
    differenceCode(ask, field) {
      const action = actionOf(ask)
      return action === undefined ? 'exists_with_different_input' : differenceCode(action, field)
    },
  }
}

const NO_ACTION = 'No module that is loaded has a command or query of this name.'
