// `holdfast config print`: the effective configuration and where each value came from.

import type { Config, Setting } from '../config.ts'
import { CONFIG_KEYS } from '../config-keys.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { print, printJson } from '../output.ts'

/** Prints every key of the configuration; bearer keys are counted, not shown. */
export function configPrint(config: Config, json: boolean): ExitCode {
  const rows = CONFIG_KEYS.map((key) => {
    const setting = config.settings.get(key.name) as Setting
    return { key: key.name, value: shown(setting), source: setting.source }
  })
  if (json) {
    printJson(Object.fromEntries(rows.map(({ key, value, source }) => [key, { value, source }])))
    return EXIT.fine
  }
  const texts = rows.map((row) => ({ ...row, text: `${row.key} = ${JSON.stringify(row.value)}` }))
  const width = Math.max(...texts.map((row) => row.text.length))
  for (const row of texts) print(`${row.text.padEnd(width)}  # ${row.source}`)
  return EXIT.fine
}

function shown({ value }: Setting): Setting['value'] {
  if (typeof value !== 'object' || value.length === 0) return value
  return `${value.length} not shown`
}
