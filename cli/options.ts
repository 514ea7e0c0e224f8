// The flags that come from the configuration's keys, and readers for those that do not.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Config, loadConfig } from './config.ts'
import { CONFIG_KEYS, type ConfigKey, configKey, flagOf } from './config-keys.ts'

/** The keys that `serve` takes as flags: all but the one that is for `send`. */
export const SERVE_KEYS: readonly string[] = CONFIG_KEYS.filter(
  (key) => !key.noFlag && key.name !== 'url',
).map((key) => key.name)

/** The keys that a verb takes as flags which decides a journal again. */
export const REPLAY_KEYS: readonly string[] = ['dataDir', 'modules']

/** The keys that `follow` takes as flags. */
export const FOLLOW_KEYS: readonly string[] = [
  'dataDir',
  'modules',
  'views',
  'snapshotEveryRecords',
  'snapshotEverySeconds',
  'archive',
]

/** Adds --config and a flag for each of `names` to a verb. */
export function withConfigFlags(command: Command, names: readonly string[]): Command {
  for (const name of names) command.addOption(optionOf(configKey(name)))
  return command.option('--config <file>', 'the configuration file (default: ./holdfast.toml)')
}

function optionOf(key: ConfigKey): Option {
  // What is on by default has to be told off.
  const choice = key.fallback === true ? ' <boolean>' : ''
  const kinds = {
    text: ' <text>',
    integer: ' <number>',
    boolean: choice,
    keys: ' <keys>',
    list: ' <list>',
  }
  const value = kinds[key.kind]
  const names: Record<string, string> = { dataDir: ' <dir>', listen: ' <host:port>', url: ' <url>' }
  const fallback = key.fallback === false ? '' : ` (default: ${String(key.fallback)})`
  return new Option(`${flagOf(key.name)}${names[key.name] ?? value}`, `${key.help}${fallback}`)
}

/** The effective configuration for a verb's flags. */
export function configFor(flags: Readonly<Record<string, unknown>>): Config {
  const { config, ...values } = flags as Record<string, string | boolean | undefined>
  return loadConfig(values, process.env, config as string | undefined)
}

/** Reads a sequence: a whole number from 1. */
export function readSequence(text: string): number {
  const sequence = Number(text)
  if (!/^\d{1,16}$/.test(text) || sequence < 1 || !Number.isSafeInteger(sequence)) {
    throw new InvalidArgumentError('A sequence is a whole number from 1.')
  }
  return sequence
}

/** Reads a count: a whole number from 1 to `max`. */
export function readCount(max: number): (text: string) => number {
  return (text) => {
    const count = Number(text)
    if (!/^\d{1,16}$/.test(text) || count < 1 || count > max) {
      throw new InvalidArgumentError(`A whole number from 1 to ${max} is wanted.`)
    }
    return count
  }
}

/** Where a replay stops: after a sequence, or after the last frame that is not later than a time. */
export type Until = { readonly sequence: number } | { readonly timeMs: number }

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

/** Reads a sequence or an RFC 3339 time. */
export function readUntil(text: string): Until {
  if (/^\d+$/.test(text)) return { sequence: readSequence(text) }
  const timeMs = Date.parse(text)
  if (!RFC_3339.test(text) || Number.isNaN(timeMs)) {
    throw new InvalidArgumentError('A sequence or a time such as 2026-01-31T12:00:00Z is wanted.')
  }
  return { timeMs }
}
