// The holdfast command: its verbs, their flags and help. What a verb does is in verbs/, loaded when
// it is asked for, so that light verbs do not load the server.

import { Command, CommanderError, Option } from 'commander'
import { parseUrl } from './config.ts'
import { exitCodeOf, messageOf } from './errors.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { helpText, helpWidth } from './help-text.ts'
import {
  configFor,
  FOLLOW_KEYS,
  REPLAY_KEYS,
  readCount,
  readSequence,
  readUntil,
  SERVE_KEYS,
  withConfigFlags,
} from './options.ts'
import { note, outliveReaders } from './output.ts'
import { packageVersion } from './verbs/version.ts'

type Finish = (exitCode: ExitCode) => void

const GUIDE = `
Start a server, send it commands, look at what became of them:

  $ holdfast serve --data-dir ./data
  $ holdfast send orders.ndjson
  $ holdfast replay --data-dir ./data

Values come from flags over HOLDFAST_* over holdfast.toml over defaults; see
holdfast config print.

Exit codes: 0 fine, 1 failed, 2 usage, 3 damage found, 4 the data directory is
in use.`

/** Runs one command line; resolves to the process's exit code. */
export async function run(args: readonly string[]): Promise<number> {
  outliveReaders()
  let exitCode: ExitCode = EXIT.fine
  const program = createProgram((code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage
    note(`holdfast: ${messageOf(error)}`)
    return exitCodeOf(error)
  }
}

function createProgram(finish: Finish): Command {
  const program = new Command('holdfast')
    .description('Reserve first, settle later: a journaled single-writer ledger.')
    .version(packageVersion(), '--version', 'print the version alone')
    .addHelpText('after', helpText(GUIDE))
    .helpCommand('help [verb]', 'show what a verb does and its flags')
    .showSuggestionAfterError()
    .showHelpAfterError('(holdfast --help shows the verbs, holdfast help VERB its flags)')
    .configureOutput({
      getOutHelpWidth: helpWidth,
      getErrHelpWidth: helpWidth,
      outputError: (text, write) => write(inOurWords(text)),
    })
    .exitOverride()
  addServe(program, finish)
  addFollow(program, finish)
  addSend(program, finish)
  addReplay(program, finish)
  addVerify(program, finish)
  addInspect(program, finish)
  addSnapshot(program, finish)
  addViews(program, finish)
  addStatus(program, finish)
  addVoid(program, finish)
  addBench(program, finish)
  addDemo(program, finish)
  addConfig(program, finish)
  addVersion(program, finish)
  return program
}

/** The parser's errors as this program says them. */
function inOurWords(text: string): string {
  return text
    .replace(
      /^error: command-argument value '(.*)' is invalid for argument '(.*?)'\./,
      "error: '$1' is not a valid $2.",
    )
    .replace(
      /^error: option '(.*?)' argument '(.*)' is invalid\./,
      "error: '$2' is not a valid value for $1.",
    )
    .replace(/^error: /, 'holdfast: ')
}

function addServe(program: Command, finish: Finish): void {
  withConfigFlags(program.command('serve'), SERVE_KEYS)
    .description('Serve HTTP from a data directory: gateway, journal and engine.')
    .addHelpText(
      'after',
      helpText(`
Recovers what the directory holds, then serves until SIGTERM or SIGINT, and seals the journal.

  $ holdfast serve
  $ holdfast serve --data-dir /var/lib/holdfast --listen 127.0.0.1:8800
  $ HOLDFAST_KEYS=a-key-of-16-characters-or-more \\
      holdfast serve --listen 0.0.0.0:7700`),
    )
    .action(async (flags) => {
      const { serve } = await import('./verbs/serve.ts')
      finish(await serve(configFor(flags)))
    })
}

function addFollow(program: Command, finish: Finish): void {
  withConfigFlags(program.command('follow'), FOLLOW_KEYS)
    .description('Follow a journal by itself: make snapshots of its state, retire old segments.')
    .addHelpText(
      'after',
      helpText(`
holdfast serve starts a follower of its own unless follower is false. There is one for each directory.
Follows until SIGTERM or SIGINT; exits with 3 where its state is not what the journal says it was.

  $ holdfast serve --data-dir ./data --follower false
  $ holdfast follow --data-dir ./data`),
    )
    .action(async (flags) => {
      const { follow } = await import('./verbs/follow.ts')
      finish(await follow(configFor(flags)))
    })
}

function addSnapshot(program: Command, finish: Finish): void {
  withConfigFlags(program.command('snapshot'), [...REPLAY_KEYS, 'archive'])
    .description('Have the follower make a snapshot now, or make one where nothing runs.')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      helpText(`
  $ holdfast snapshot --data-dir ./data`),
    )
    .action(async ({ json = false, ...flags }) => {
      const { snapshot } = await import('./verbs/snapshot.ts')
      finish(await snapshot(configFor(flags), json))
    })
}

function addViews(program: Command, finish: Finish): void {
  const views = program
    .command('views')
    .description('The lists in views.sqlite: build them anew, or compare them with the journal.')
  withConfigFlags(views.command('check'), REPLAY_KEYS)
    .description('Compare every row with a replay at the same sequence; exit 3 on a difference.')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      helpText(`
Works beside a running server, and changes nothing.

  $ holdfast views check --data-dir ./data`),
    )
    .action(async ({ json = false, ...flags }) => {
      const { checkViewsVerb } = await import('./verbs/views.ts')
      finish(await checkViewsVerb(configFor(flags), json))
    })
  withConfigFlags(views.command('rebuild'), REPLAY_KEYS)
    .description('Build the views anew from the journal and its archive, from the first record on.')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      helpText(`
Nobody else may keep the views meanwhile: stop the server, or its follower. Where the first records are
gone it refuses, and leaves the views as they are.

  $ holdfast views rebuild --data-dir ./data`),
    )
    .action(async ({ json = false, ...flags }) => {
      const { rebuildViews } = await import('./verbs/views.ts')
      finish(await rebuildViews(configFor(flags), json))
    })
}

function addStatus(program: Command, finish: Finish): void {
  withConfigFlags(program.command('status'), ['url'])
    .description('What a server says of itself: state, sequence, memory, journal, follower.')
    .option('--key <key>', 'the bearer key (default: the first of keys in the configuration)')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      helpText(`
  $ holdfast status
  $ holdfast status --url http://10.0.0.5:7700 --json`),
    )
    .action(async ({ json = false, key, ...flags }) => {
      const { status } = await import('./verbs/status.ts')
      const config = configFor(flags)
      finish(await status(parseUrl(config.url), key ?? config.keys[0], json))
    })
}

function addSend(program: Command, finish: Finish): void {
  withConfigFlags(program.command('send'), ['url'])
    .description('Send commands from NDJSON to a server over its stream, in order.')
    .argument('<file>', 'a file with one command on each line, or - for standard input')
    .option('--key <key>', 'the bearer key (default: the first of keys in the configuration)')
    .option('--patience <seconds>', 'how long to retry while there is no room', readCount(3600), 30)
    .option('--json', 'print the totals as JSON')
    .addHelpText(
      'after',
      helpText(`
Each line is a command as POST /v1/batches takes it. Lines that are not valid are named on stderr and
passed over, and the exit code is 1; refusals such as insufficient_funds are totals and leave it at 0.
Sent again, the same input changes nothing.

  $ echo '{"type":"open_account","id":"bank","ledger":1,"external":true}' |
      holdfast send -
  $ holdfast send orders.ndjson --url http://127.0.0.1:7700 --json`),
    )
    .action(async (file, flags) => {
      const { json = false, key, patience, ...rest } = flags
      const config = configFor(rest)
      const { send } = await import('./verbs/send.ts')
      finish(
        await send({
          file,
          url: parseUrl(config.url),
          key: key ?? config.keys[0],
          patienceMs: patience * 1_000,
          json,
        }),
      )
    })
}

function addReplay(program: Command, finish: Finish): void {
  withConfigFlags(program.command('replay'), REPLAY_KEYS)
    .description('Rebuild the state from the journal and print its digest.')
    .addOption(new Option('--until <sequence or time>', 'stop after this').argParser(readUntil))
    .option('--from-start', 'begin with the first record, whatever snapshots there are')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      helpText(`
Begins with the newest snapshot that is good, or with the first record where there is none. The
digest is the one that GET /v1/audit shows at the same sequence.

  $ holdfast replay --data-dir ./data
  $ holdfast replay --data-dir ./data --until 2026-01-31T12:00:00Z --json`),
    )
    .action(async ({ until, fromStart = false, json = false, ...flags }) => {
      const { replay } = await import('./verbs/replay.ts')
      finish(await replay(configFor(flags), { until, fromStart, json }))
    })
}

function addVerify(program: Command, finish: Finish): void {
  withConfigFlags(program.command('verify'), REPLAY_KEYS)
    .description('Check the journal, the snapshots, a replay and the books; exit 3 on damage.')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      helpText(`
Every checksum and the chain, from the first record on; the state of every snapshot against the
replay's at its sequence. Changes nothing, and works beside a running server.

  $ holdfast verify --data-dir ./data`),
    )
    .action(async ({ json = false, ...flags }) => {
      const { verify } = await import('./verbs/verify.ts')
      finish(await verify(configFor(flags), json))
    })
}

function addInspect(program: Command, finish: Finish): void {
  withConfigFlags(program.command('inspect'), REPLAY_KEYS)
    .description('Show an account, a reservation or records of the journal.')
    .argument('<what>', 'account, reservation or journal')
    .argument('[id]', 'the id of the account or reservation')
    .option('--from <sequence>', 'journal: the first record', readSequence, 1)
    .option('--limit <records>', 'the most records to show', readCount(1_000_000_000))
    .option('--json', 'print JSON: one object, or one line for each record')
    .addHelpText(
      'after',
      helpText(`
  $ holdfast inspect --data-dir ./data account acme
  $ holdfast inspect --data-dir ./data reservation call-7 --json
  $ holdfast inspect --data-dir ./data journal --from 100 --limit 20`),
    )
    .action(async (what, id, { from, limit, json = false, ...flags }) => {
      const { inspect } = await import('./verbs/inspect.ts')
      finish(await inspect(configFor(flags), { what, id, from, limit, json }))
    })
}

function addVoid(program: Command, finish: Finish): void {
  withConfigFlags(program.command('void'), ['dataDir'])
    .description('Offline: have every replay skip one command, on record. A last resort.')
    .argument('<sequence>', 'the sequence of the command', readSequence)
    .addHelpText(
      'after',
      helpText(`
The server must be stopped. What the command's client was told is not undone.

  $ holdfast inspect --data-dir ./data journal --from 41 --limit 1
  $ holdfast void 41 --data-dir ./data`),
    )
    .action(async (sequence, flags) => {
      const { voidRecord } = await import('./verbs/void.ts')
      finish(await voidRecord(configFor(flags).dataDir, sequence))
    })
}

function addBench(program: Command, finish: Finish): void {
  program
    .command('bench')
    .description('Measure this machine; figures are printed with their conditions.')
    .argument(
      '<what>',
      'engine, journal, stream, http, recovery, snapshot, views, views-effect or calls',
    )
    .option('--json', 'print one line of JSON with commandsPerSecond and conditions')
    .addHelpText(
      'after',
      helpText(`
  $ holdfast bench engine
  $ holdfast bench stream
  $ holdfast bench http --json`),
    )
    .action(async (what, { json = false }) => {
      const { bench } = await import('./verbs/bench.ts')
      finish(await bench(what, json))
    })
}

function addDemo(program: Command, finish: Finish): void {
  program
    .command('demo')
    .description('Play a demonstration on data of its own, which are gone afterwards.')
    .argument('<what>', 'calls')
    .option('--plain', 'one line a second, also on a terminal')
    .option('--json', 'print the final figures as one line of JSON; the rest goes to stderr')
    .addHelpText(
      'after',
      helpText(`
calls: first, 100 calls at once on money for 20. A server that reads, checks and then writes lets in too
many, and Holdfast 20. Then a campaign of a thousand starts a second, which runs out of money, gets a
top-up, and goes on; in the end the sums are compared. Takes about 20 seconds.

Starts a server of its own on a free port of the loopback, with a temporary directory; needs nothing
else and leaves nothing, by Ctrl-C neither. Exits with 1 where a sum does not come out.

  $ holdfast demo calls
  $ holdfast demo calls --plain
  $ holdfast demo calls --json`),
    )
    .action(async (what, { plain = false, json = false }) => {
      const { demo } = await import('./verbs/demo.ts')
      finish(await demo(what, { plain, json }))
    })
}

function addConfig(program: Command, finish: Finish): void {
  const config = program.command('config').description('The effective configuration.')
  withConfigFlags(config.command('print'), [...SERVE_KEYS, 'url'])
    .description('Print every value and where it came from.')
    .option('--json', 'print one line of JSON')
    .action(async ({ json = false, ...flags }) => {
      const { configPrint } = await import('./verbs/config-print.ts')
      finish(configPrint(configFor(flags), json))
    })
}

function addVersion(program: Command, finish: Finish): void {
  program
    .command('version')
    .description('Print the versions of the program, the format and the rules.')
    .option('--json', 'print one line of JSON')
    .action(async ({ json = false }) => {
      const { version } = await import('./verbs/version.ts')
      finish(version(json))
    })
}
