// `holdfast config print`: the effective configuration and where each value came from.

import type { Config, Setting } from '../config.ts'
import { CONFIG_KEYS, type ConfigKey } from '../config-keys.ts'
import type { ConfigValue } from '../config-values.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { print, printJson } from '../output.ts'

/**
 * Prints every key of the configuration as TOML that `--config` takes, or as JSON. Bearer keys are
 * counted, not shown; as TOML they are a comment, and so is what cannot stand in a file.
 */
export function configPrint(config: Config, json: boolean): ExitCode {
  const rows = CONFIG_KEYS.map((key) => ({ key, ...(config.settings.get(key.name) as Setting) }))
  if (json) {
    printJson(
      Object.fromEntries(
        rows.map(({ key, value, source }) => [key.name, { value: shown(key, value), source }]),
      ),
    )
    return EXIT.fine
  }
  const lines = rows.map(({ key, value, source }) => ({ text: line(key, value), source }))
  const width = Math.max(...lines.map(({ text }) => text.length))
  for (const { text, source } of lines) print(`${text.padEnd(width)}  # ${source}`)
  return EXIT.fine
}

/** How many keys must not be shown; 0 for every other value. */
function hiddenCount({ kind }: ConfigKey, value: ConfigValue): number {
  return kind === 'keys' ? (value as readonly string[]).length : 0
}

function shown(key: ConfigKey, value: ConfigValue): ConfigValue {
  const count = hiddenCount(key, value)
  return count === 0 ? value : `${count} not shown`
}

/** A line of the file, or a comment where the file cannot have it. */
function line(key: ConfigKey, value: ConfigValue): string {
  const count = hiddenCount(key, value)
  if (count > 0) return `# ${key.name}: ${count}, not shown`
  return `${key.noFile ? '# ' : ''}${key.name} = ${toml(value)}`
}

/** A value as TOML, whose strings are written as JSON's are. */
function toml(value: ConfigValue): string {
  if (typeof value !== 'object') return JSON.stringify(value)
  return `[${value.map((one) => JSON.stringify(one)).join(', ')}]`
}
