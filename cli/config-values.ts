// From what a person wrote to a value of the configuration: one reader for each kind, with messages
// that name the place. Where values come from is in config.ts.

import { dirname } from 'node:path'
import { type ConfigKey, KEY_CHARACTERS_MIN } from './config-keys.ts'
import { usageError } from './exit-codes.ts'

/** A value of any key. */
export type ConfigValue = string | number | boolean | readonly string[]

/** A value from the text of a flag or a variable; `where` names it in messages. */
export function valueFromText(key: ConfigKey, text: string, where: string): ConfigValue {
  switch (key.kind) {
    case 'integer': {
      const digits = text.replaceAll('_', '')
      if (!/^\d{1,16}$/.test(digits)) throw usageError(`${where}: ${text} is not a whole number`)
      return checked(key, Number(digits), where)
    }
    case 'boolean':
      if (text === '1' || text === 'true') return true
      if (text === '0' || text === 'false' || text === '') return false
      throw usageError(`${where}: ${text} is neither true (1) nor false (0)`)
    case 'keys':
    case 'list':
      return checked(key, text === '' ? [] : text.split(',').map((one) => one.trim()), where)
    default:
      return checked(key, text, where)
  }
}

/** A value from holdfast.toml; `where` names it in messages. */
export function valueFromToml(key: ConfigKey, value: unknown, where: string): ConfigValue {
  const wanted = { text: 'a string', integer: 'a whole number', boolean: 'true or false' }
  switch (key.kind) {
    case 'keys':
    case 'list':
      if (!Array.isArray(value) || value.some((one) => typeof one !== 'string')) {
        throw usageError(`${where} must be a list of strings`)
      }
      return checked(key, value as string[], where)
    case 'integer':
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) break
      return checked(key, value, where)
    case 'boolean':
      if (typeof value !== 'boolean') break
      return value
    default:
      if (typeof value !== 'string') break
      return checked(key, value, where)
  }
  throw usageError(`${where} must be ${wanted[key.kind]}`)
}

function checked(key: ConfigKey, value: ConfigValue, where: string): ConfigValue {
  if (typeof value === 'number') checkInteger(key, value, where)
  else if (key.kind === 'keys') checkKeys(value as readonly string[], where)
  else if (key.kind === 'list') checkList(value as readonly string[], where)
  else if (value === '') throw usageError(`${where} is empty`)
  else if (key.oneOf !== undefined && !key.oneOf.includes(value as string)) {
    throw usageError(`${where}: ${String(value)} is none of ${key.oneOf.join(', ')}`)
  }
  return value
}

function checkInteger(key: ConfigKey, value: number, where: string): void {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, multipleOf = 1 } = key
  if (value < min || value > max) {
    throw usageError(`${where}: ${value} is not from ${min} to ${max}`)
  }
  if (value % multipleOf !== 0) {
    throw usageError(`${where}: ${value} is not a multiple of ${multipleOf}`)
  }
}

/** One of the files that make a folder a module. */
const MODULE_FILE = /[/\\](rules|routes|views)\.[cm]?[jt]s$/

/** The one list that is not of keys is that of modules. */
function checkList(items: readonly string[], where: string): void {
  if (items.includes('')) throw usageError(`${where}: one of the list is empty`)
  const file = items.find((item) => MODULE_FILE.test(item))
  if (file === undefined) return
  throw usageError(`${where}: ${file} is a file of a module: name the folder, ${dirname(file)}`)
}

/** A message never shows a key, not even one that is too short. */
function checkKeys(keys: readonly string[], where: string): void {
  for (const [i, key] of keys.entries()) {
    if (key.length < KEY_CHARACTERS_MIN) {
      throw usageError(`${where}: key ${i + 1} has less than ${KEY_CHARACTERS_MIN} characters`)
    }
    if (!/^[\x21-\x7e]+$/.test(key)) {
      throw usageError(`${where}: key ${i + 1} has characters that a header cannot carry`)
    }
  }
}
