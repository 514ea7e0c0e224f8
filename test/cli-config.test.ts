// The configuration: where values come from, what is said of mistakes, and how it is printed.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import t from 'tap'
import { CONFIG_KEYS, flagOf, variableOf } from '../cli/config-keys.ts'
import { runCommand, temporaryDirectory } from './support/command-line.ts'

/** Every step is a process of its own, and machines are slow at times. */
t.setTimeout(180_000)

t.test('configuration: flags over variables over the file over defaults', async (t) => {
  const cwd = temporaryDirectory(t)
  const print = async (args: readonly string[], environment: Record<string, string> = {}) => {
    const ended = await runCommand(['config', 'print', '--json', ...args], { cwd, environment })
    t.equal(ended.exitCode, 0, ended.stderr)
    return JSON.parse(ended.stdout)
  }
  t.strictSame((await print([])).accountsMax, { value: 1_048_576, source: 'default' })
  writeFileSync(join(cwd, 'holdfast.toml'), 'accountsMax = 2_000\nwindowMs = 5000\n')
  t.strictSame((await print([])).accountsMax, { value: 2_000, source: 'holdfast.toml' })
  const environment = { HOLDFAST_ACCOUNTS_MAX: '3000', HOLDFAST_KEYS: 'k'.repeat(16) }
  const variables = await print([], environment)
  t.strictSame(variables.accountsMax, { value: 3_000, source: 'HOLDFAST_ACCOUNTS_MAX' })
  t.strictSame(variables.windowMs, { value: 5_000, source: 'holdfast.toml' })
  t.strictSame(variables.keys, { value: '1 not shown', source: 'HOLDFAST_KEYS' })
  const flags = await print(['--accounts-max', '4_000'], environment)
  t.strictSame(flags.accountsMax, { value: 4_000, source: '--accounts-max' })
  writeFileSync(join(cwd, 'other.toml'), 'dataDir = "/srv/x"\n')
  const other = await print(['--config', 'other.toml'])
  t.strictSame(other.dataDir, { value: '/srv/x', source: 'other.toml' })
  t.strictSame(other.accountsMax.source, 'default')
  writeFileSync(join(cwd, 'default'), 'outcomesMax = 4_000_000\n')
  const named = await print(['--config', 'default'])
  t.equal(named.outcomesMax.value, 4_000_000, 'a file of that name')
  t.equal(named.moduleReplyBytesMax.value, 64_000_000, 'follows it')
  const kubernetes = { HOLDFAST_SERVICE_HOST: '10.0.0.1', HOLDFAST_PORT_7700_TCP_ADDR: '10.0.0.1' }
  t.equal((await print([], kubernetes)).listen.source, 'default')
  const text = await runCommand(['config', 'print'], { cwd })
  t.match(text.stdout, /^accountsMax = 2000 +# holdfast\.toml$/m)
})

t.test('configuration: what is printed can be used again, but for the keys', async (t) => {
  const cwd = temporaryDirectory(t)
  const environment = {
    HOLDFAST_KEYS: `${'k'.repeat(16)},${'l'.repeat(16)}`,
    HOLDFAST_TEST_CLOCK: '1',
  }
  const args = ['config', 'print', '--modules', 'calls,./my rules', '--accounts-max', '5000']
  const json = JSON.parse((await runCommand([...args, '--json'], { cwd, environment })).stdout)
  t.strictSame(json.modules, { value: ['calls', './my rules'], source: '--modules' })
  t.strictSame(json.keys, { value: '2 not shown', source: 'HOLDFAST_KEYS' })
  t.strictSame(json.testClock, { value: true, source: 'HOLDFAST_TEST_CLOCK' })
  const { stdout } = await runCommand(args, { cwd, environment })
  t.match(stdout, /^modules = \["calls", "\.\/my rules"\] +# --modules$/m)
  t.match(stdout, /^# keys: 2, not shown +# HOLDFAST_KEYS$/m)
  t.match(stdout, /^# testClock = true +# HOLDFAST_TEST_CLOCK$/m)
  t.match(stdout, /^# acceptTimeJump = false +# default$/m)
  t.notMatch(stdout, 'kkkk')
  writeFileSync(join(cwd, 'printed.toml'), stdout)
  const again = await runCommand(['config', 'print', '--config', 'printed.toml'], { cwd })
  t.equal(again.exitCode, 0, again.stderr)
  const values = { ...parse(again.stdout) }
  t.strictSame(values, { ...parse(stdout), keys: [] }, 'the same values, and no key')
  const inFile = CONFIG_KEYS.filter((key) => !key.noFile).map((key) => key.name)
  t.strictSame(Object.keys(values), inFile, 'all that a file can have')
  const variables = ['config', 'print', '--json', '--config', 'printed.toml']
  const same = JSON.parse((await runCommand(variables, { cwd, environment })).stdout)
  for (const { name } of CONFIG_KEYS) t.strictSame(same[name].value, json[name].value, name)
  // No module at all, and no key.
  const none = await runCommand(['config', 'print', '--modules', ''], { cwd })
  t.match(parse(none.stdout), { modules: [], keys: [] })
})

t.test('configuration: mistakes are named', async (t) => {
  const cwd = temporaryDirectory(t)
  const cases: readonly (readonly [toml: string, variables: Record<string, string>, RegExp])[] = [
    ['acountsMax = 1', {}, /unknown key acountsMax; did you mean accountsMax\?/],
    ['[server]\nx = 1', {}, /unknown key server/],
    ['accountsMax = "many"', {}, /accountsMax must be a whole number/],
    ['accountsMax = 1.5', {}, /accountsMax must be a whole number/],
    ['accountsMax = 1', {}, /accountsMax: 1 is not from 16 to/],
    ['segmentBytes = 4194305', {}, /not a multiple of 4096/],
    ['keys = "one"', {}, /keys must be a list of strings/],
    ['keys = ["short"]', {}, /key 1 has less than 16 characters/],
    ['acceptTimeJump = true', {}, /cannot stand in a file: set HOLDFAST_ACCEPT_TIME_JUMP/],
    ['dataDir = ', {}, /holdfast\.toml:1:\d+: /],
    ['windowMs = 60000\nretentionMs = 1000', {}, /retentionMs \(1000\) is less than windowMs/],
    [
      '',
      { HOLDFAST_DATADIR: 'x' },
      /unknown variable HOLDFAST_DATADIR; did you mean HOLDFAST_DATA_DIR/,
    ],
    ['', { HOLDFAST_FOO: 'x' }, /unknown variable HOLDFAST_FOO$/m],
    ['', { HOLDFAST_WINDOW_MS: '1s' }, /HOLDFAST_WINDOW_MS: 1s is not a whole number/],
    ['', { HOLDFAST_TEST_CLOCK: 'yes' }, /neither true \(1\) nor false \(0\)/],
    ['', { HOLDFAST_LOG_LEVEL: 'loud' }, /loud is none of fatal, error/],
    ['', { HOLDFAST_CONFIG: 'missing.toml' }, /missing\.toml cannot be read \(ENOENT\)/],
  ]
  for (const [toml, environment, message] of cases) {
    writeFileSync(join(cwd, 'holdfast.toml'), `${toml}\n`)
    const ended = await runCommand(['config', 'print'], { cwd, environment })
    const { exitCode, stdout } = ended
    t.strictSame({ exitCode, stdout }, { exitCode: 2, stdout: '' }, toml || 'variables')
    t.match(ended.stderr, message)
    t.notMatch(ended.stderr, 'short', 'no key is shown')
  }
})

t.test('every key is documented', async (t) => {
  const page = readFileSync('docs/configuration.md', 'utf8')
  const rows = [...page.matchAll(/^\| `(\w+)` +\| (\S+) +\| (\S+) +\| (.+?) +\|/gm)]
  t.strictSame(
    rows.map(([, name]) => name),
    CONFIG_KEYS.map((key) => key.name),
  )
  for (const [, name = '', flag, variable, fallback] of rows) {
    const key = CONFIG_KEYS.find((one) => one.name === name)
    t.equal(flag, key?.noFlag ? '-' : `\`${flagOf(name)}\``)
    t.equal(variable, `\`${variableOf(name)}\``)
    const shown = key?.kind === 'keys' ? 'none' : String(key?.fallback)
    t.equal(fallback?.replaceAll('`', ''), shown, `default of ${name}`)
  }
})
