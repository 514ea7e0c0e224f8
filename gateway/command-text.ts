// One command as JSON text by itself, for those who read commands from somewhere else than a request:
// the same checks that a batch's member goes through, in the same words.

import { type CommandFields, fieldsFault } from '../protocol/index.ts'
import { duplicateKeySentence, scanFaultSentence } from './json-body.ts'
import { countKeys, scanJson } from './json-scan.ts'
import { commandFault } from './validation.ts'

/** What is wrong with `text`, of which `value` was parsed, as one command; or undefined. */
export function commandTextFault(text: string, value: unknown): string | undefined {
  const keys = scanJson(text)
  if (typeof keys !== 'number') return scanFaultSentence(text, keys)
  if (countKeys(value) !== keys) return duplicateKeySentence(text)
  return commandFault(value, '') ?? fieldsFault(value as CommandFields)
}
