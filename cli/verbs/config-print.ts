// `holdfast config print`: the effective configuration and where each value came from.

import type { Config, Setting } from '../config.ts'
import { CONFIG_KEYS, type ConfigKey } from '../config-keys.ts'
import type { ConfigValue } from '../config-values.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { print, printJson } from '../output.ts'

/**
 * Prints every key of the configuration as TOML that a file can have, or as JSON; bearer keys are counted,
 * not shown.
 */
export function configPrint(config: Config, json: boolean): ExitCode {
  const rows = CONFIG_KEYS.map((key) => {
    const setting = config.settings.get(key.name) as Setting
    return { key: key.name, value: shown(key, setting), source: setting.source }
  })
  if (json) {
    printJson(Object.fromEntries(rows.map(({ key, value, source }) => [key, { value, source }])))
    return EXIT.fine
  }
  const texts = rows.map((row) => ({ ...row, text: `${row.key} = ${toml(row.value)}` }))
  const width = Math.max(...texts.map((row) => row.text.length))
  for (const row of texts) print(`${row.text.padEnd(width)}  # ${row.source}`)
  return EXIT.fine
}

function shown({ kind }: ConfigKey, { value }: Setting): ConfigValue {
  if (kind !== 'keys') return value
  const count = (value as readonly string[]).length
  return count === 0 ? value : `${count} not shown`
}

/** A value as TOML, whose strings are written as JSON's are. */
function toml(value: ConfigValue): string {
  if (typeof value !== 'object') return JSON.stringify(value)
  return `[${value.map((one) => JSON.stringify(one)).join(', ')}]`
}
