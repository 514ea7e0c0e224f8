// The effective configuration: flags over HOLDFAST_* over holdfast.toml over defaults, and where each
// value came from. What the keys are is in config-keys.ts.

import { readFileSync } from 'node:fs'
import { parse, TomlError } from 'smol-toml'
import type { Capacities } from '../protocol/index.ts'
import { CAPACITIES_DEFAULT, capacitiesFrom } from '../protocol/index.ts'
import { CONFIG_KEYS, type ConfigKey, flagOf, variableOf } from './config-keys.ts'
import { type ConfigValue, valueFromText, valueFromToml } from './config-values.ts'
import { usageError } from './exit-codes.ts'
import { didYouMean } from './nearest.ts'

/** The file that is read when --config names none; it need not exist. */
const CONFIG_FILE = 'holdfast.toml'

/** One effective value. */
export interface Setting {
  readonly value: ConfigValue
  /** `default`, the file's name, a variable or a flag. */
  readonly source: string
}

/** What every verb gets. */
export interface Config {
  readonly dataDir: string
  readonly listen: string
  readonly keys: readonly string[]
  readonly url: string
  readonly capacities: Capacities
  /** Specifiers of modules: docs/configuration.md. */
  readonly modules: readonly string[]
  readonly segmentBytes: number
  readonly follower: boolean
  readonly views: boolean
  readonly snapshotEveryRecords: number
  readonly snapshotEverySeconds: number
  readonly archive: 'keep' | 'drop'
  readonly pinThreads: boolean
  readonly acceptTimeJump: boolean
  readonly testClock: boolean
  readonly logLevel: string
  /** Every key's value and source, in the order of `CONFIG_KEYS`. */
  readonly settings: ReadonlyMap<string, Setting>
}

/** Values of flags by key name; text, or true for a switch. */
export type FlagValues = Readonly<Record<string, string | boolean | undefined>>

/**
 * The effective configuration. `file` is what --config named, if anything. Throws a usage error that
 * names the key and its nearest known one, or the place of a value that is not one.
 */
export function loadConfig(
  flags: FlagValues,
  environment: Readonly<Record<string, string | undefined>>,
  file?: string,
): Config {
  const settings = new Map<string, Setting>()
  for (const { name, fallback } of CONFIG_KEYS) settings.set(name, defaultOf(fallback))
  const defaults = new Set(settings.values())
  readFileLayer(settings, file ?? environment.HOLDFAST_CONFIG)
  readVariables(settings, environment)
  for (const key of CONFIG_KEYS) {
    const given = flags[key.name]
    if (given === undefined || key.noFlag) continue
    const source = flagOf(key.name)
    const value = given === true ? true : valueFromText(key, String(given), source)
    settings.set(key.name, { value, source })
  }
  return configOf(settings, defaults)
}

function defaultOf(value: ConfigValue): Setting {
  return { value, source: 'default' }
}

/** Gives those that nobody set, which still have their `defaults`, the values that follow from the others. */
function settleCapacities(
  settings: Map<string, Setting>,
  defaults: ReadonlySet<Setting>,
): Capacities {
  const names = Object.keys(CAPACITIES_DEFAULT) as (keyof Capacities)[]
  const unset = new Set(names.filter((name) => defaults.has(settings.get(name) as Setting)))
  const given = names.filter((name) => !unset.has(name))
  const capacities = capacitiesFrom(
    Object.fromEntries(given.map((name) => [name, settings.get(name)?.value])),
  )
  for (const name of unset) settings.set(name, defaultOf(capacities[name]))
  return capacities
}

function configOf(settings: Map<string, Setting>, defaults: ReadonlySet<Setting>): Config {
  const of = <T>(name: string) => settings.get(name)?.value as T
  const capacities = settleCapacities(settings, defaults)
  if (capacities.retentionMs < capacities.windowMs) {
    throw usageError(
      `retentionMs (${capacities.retentionMs}) is less than windowMs (${capacities.windowMs})`,
    )
  }
  return {
    dataDir: of('dataDir'),
    listen: of('listen'),
    keys: of('keys'),
    url: of('url'),
    capacities,
    modules: of('modules'),
    segmentBytes: of('segmentBytes'),
    follower: of('follower'),
    views: of('views'),
    snapshotEveryRecords: of('snapshotEveryRecords'),
    snapshotEverySeconds: of('snapshotEverySeconds'),
    archive: of('archive'),
    pinThreads: of('pinThreads'),
    acceptTimeJump: of('acceptTimeJump'),
    testClock: of('testClock'),
    logLevel: of('logLevel'),
    settings,
  }
}

function readFileLayer(settings: Map<string, Setting>, named: string | undefined): void {
  const file = named ?? CONFIG_FILE
  const text = textOf(file, named !== undefined)
  if (text === undefined) return
  const known = CONFIG_KEYS.filter((key) => !key.noFile)
  for (const [name, value] of Object.entries(tablesOf(file, text))) {
    const key = known.find((one) => one.name === name)
    if (key === undefined) throw unknownKey(file, name, known)
    settings.set(name, { value: valueFromToml(key, value, `${file}: ${name}`), source: file })
  }
}

function textOf(file: string, mustExist: boolean): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' && !mustExist) return undefined
    throw usageError(`${file} cannot be read (${code}): --config names the configuration file`)
  }
}

function tablesOf(file: string, text: string): Record<string, unknown> {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const reason = error.message.split('\n', 1)[0]
    throw usageError(`${file}:${error.line}:${error.column}: ${reason}`)
  }
}

function unknownKey(file: string, name: string, known: readonly ConfigKey[]): Error {
  const banned = CONFIG_KEYS.find((key) => key.name === name)
  if (banned !== undefined) {
    return usageError(`${file}: ${name} cannot stand in a file: set ${variableOf(name)}`)
  }
  const names = known.map((key) => key.name)
  return usageError(`${file}: unknown key ${name}${didYouMean(name, names)}`)
}

/** What all variables begin with. */
const PREFIX = 'HOLDFAST_'

/** What Kubernetes sets in every pod beside a service that is called holdfast; nobody wrote it. */
const SERVICE_VARIABLE = /^HOLDFAST_(SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_(TCP|UDP)(_.+)?)?)$/

function readVariables(
  settings: Map<string, Setting>,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const known = new Map(CONFIG_KEYS.map((key) => [variableOf(key.name), key]))
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || text === undefined) continue
    if (name === 'HOLDFAST_CONFIG' || SERVICE_VARIABLE.test(name)) continue
    const key = known.get(name)
    if (key === undefined) {
      const names = [...known.keys(), 'HOLDFAST_CONFIG']
      throw usageError(`environment: unknown variable ${name}${didYouMean(name, names, PREFIX)}`)
    }
    settings.set(key.name, { value: valueFromText(key, text, name), source: name })
  }
}

/** The server's address without slashes at its end. Throws a usage error where it is none. */
export function parseUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const isServer = parsed?.protocol === 'http:' || parsed?.protocol === 'https:'
  if (!isServer || parsed?.search !== '' || parsed.hash !== '') {
    throw usageError(`--url ${url} is not a server's address, such as http://127.0.0.1:7700`)
  }
  return url.replace(/\/+$/, '')
}

/** `host:port` taken apart; an IPv6 host stands in brackets. Throws a usage error. */
export function parseListen(listen: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(listen)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw usageError(`--listen ${listen} is not HOST:PORT, such as 127.0.0.1:7700 or [::1]:7700`)
  }
  return { host: (match[1] ?? match[2]) as string, port }
}
