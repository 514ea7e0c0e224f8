// `holdfast status`: what a server says of itself at GET /v1/status.

import { CliError, EXIT, type ExitCode } from '../exit-codes.ts'
import { formatBytes, grouped, print, printJson } from '../output.ts'

/** The page, as far as it is shown; gateway/schemas.ts has its shape. */
interface StatusPage {
  readonly state: string
  readonly version: string
  readonly uptimeSeconds: number
  readonly sequence: number
  readonly time: string
  readonly digest: string
  readonly replayedBytes: number
  readonly replayBytes: number
  readonly accounts: number
  readonly openReservations: number
  readonly remembered: number
  readonly commands: number
  readonly commandsInFlight: number
  readonly memory: Readonly<Record<'tableBytes' | 'ringBytes' | 'residentBytes', number>>
  readonly journal: Readonly<
    Record<'sequence' | 'lagRecords' | 'frames' | 'bytes' | 'syncs' | 'syncSeconds', number>
  >
  readonly storageLow: boolean
  readonly follower: {
    readonly state: string
    readonly sequence: number
    readonly lagRecords: number
    readonly snapshotSequence: number
    readonly snapshotBytes: number
  }
  readonly views: {
    readonly state: string
    readonly sequence: number
    readonly lagRecords: number
  }
}

/** Asks and prints; rejects where there is no server, or it does not know the key. */
export async function status(
  url: string,
  key: string | undefined,
  json: boolean,
): Promise<ExitCode> {
  const page = await ask(url, key)
  if (json) printJson(page)
  else for (const [name, text] of linesOf(page)) print(`${name.padEnd(12)}${text}`)
  return EXIT.fine
}

async function ask(url: string, key: string | undefined): Promise<StatusPage> {
  const headers: Record<string, string> =
    key === undefined ? {} : { authorization: `Bearer ${key}` }
  let response: Response
  try {
    response = await fetch(`${url}/v1/status`, { headers })
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } }
    const reason = cause?.code ?? (error as Error).message
    throw new CliError(EXIT.failed, `${url} does not answer (${reason}): start it, or name --url`)
  }
  if (response.ok) return (await response.json()) as StatusPage
  const hint = response.status === 401 ? ': name the key with --key or HOLDFAST_KEYS' : ''
  throw new CliError(EXIT.failed, `${url} answered ${response.status}${hint}`)
}

function linesOf(page: StatusPage): [name: string, text: string][] {
  const { memory, journal, follower } = page
  const meanMs = journal.syncs === 0 ? 0 : (1_000 * journal.syncSeconds) / journal.syncs
  const progress = `${formatBytes(page.replayedBytes)} of ${formatBytes(page.replayBytes)} replayed`
  return [
    ['state', page.state === 'replaying' ? `${page.state}, ${progress}` : page.state],
    ['version', `${page.version}, up ${grouped(page.uptimeSeconds)} s`],
    ['sequence', `${grouped(page.sequence)} at ${page.time}, digest ${page.digest}`],
    ['accounts', grouped(page.accounts)],
    ['open', `${grouped(page.openReservations)} reservations`],
    ['remembered', `${grouped(page.remembered)} outcomes and ended reservations`],
    ['commands', `${grouped(page.commands)} decided, ${grouped(page.commandsInFlight)} in flight`],
    [
      'memory',
      `${formatBytes(memory.tableBytes)} reserved for tables, ${formatBytes(memory.ringBytes)} ` +
        `for rings, ${formatBytes(memory.residentBytes)} in use`,
    ],
    [
      'journal',
      `sequence ${grouped(journal.sequence)}, ${grouped(journal.lagRecords)} not applied, ` +
        `${grouped(journal.frames)} frames, ${formatBytes(journal.bytes)}, ` +
        `${grouped(journal.syncs)} syncs of ${meanMs.toFixed(2)} ms`,
    ],
    ['storage', page.storageLow ? 'LOW: no room for the next segment' : 'has room'],
    ['follower', followerLine(follower)],
    ['views', viewsLine(page.views)],
  ]
}

function followerLine(follower: StatusPage['follower']): string {
  if (follower.state === 'off') return 'off'
  const snapshot =
    follower.snapshotSequence === 0
      ? 'no snapshot yet'
      : `snapshot at ${grouped(follower.snapshotSequence)} (${formatBytes(follower.snapshotBytes)})`
  const lag = `${grouped(follower.lagRecords)} behind`
  return `${follower.state}, sequence ${grouped(follower.sequence)}, ${lag}, ${snapshot}`
}

function viewsLine({ state, sequence, lagRecords }: StatusPage['views']): string {
  if (state === 'off') return 'off'
  return `${state}, sequence ${grouped(sequence)}, ${grouped(lagRecords)} behind`
}
