// The records of a customer's calls as the views list them, summed up: a second count of what the replies
// said, by another way.

import { setTimeout as delay } from 'node:timers/promises'
import { CliError, EXIT } from '../exit-codes.ts'
import { expectOk, type JsonReply, jsonClient } from './json-client.ts'
import type { Stage } from './stage.ts'

/** How long views that have not come so far are asked again, in ms, and the pause between two times. */
const PATIENCE_MS = 60_000
const PAUSE_MS = 200

/** What the records say. */
export interface CallFigures {
  readonly records: number
  /** Sum of what was charged, in micro-units. */
  readonly recordsCharged: number
}

/** One record, as far as it is looked at. */
interface CallRecord {
  readonly cost: number
  readonly uncollected: number
}

/**
 * Sums up all records of the customer up to `minSequence` at least. Rejects with `CliError` where the views
 * do not give them for `patienceMs`.
 */
export async function callRecords(
  { url, signal, defer }: Stage,
  customerId: string,
  minSequence: number,
  patienceMs: number = PATIENCE_MS,
): Promise<CallFigures> {
  const client = jsonClient(url)
  defer(() => client.close())
  let records = 0
  let recordsCharged = 0
  let cursor: string | null = ''
  const endMs = performance.now() + patienceMs
  while (cursor !== null) {
    signal.throwIfAborted()
    const after = cursor === '' ? '' : `&cursor=${cursor}`
    const filter = `customerId=${customerId}&minSequence=${minSequence}&limit=200`
    const reply = await client.ask('GET', `/v1/call-records?${filter}${after}`)
    // Views follow at their own pace.
    if (reply.status === 503) {
      if (performance.now() > endMs) throw noRecords(reply)
      await delay(PAUSE_MS, undefined, { signal })
      continue
    }
    const page = expectOk(reply)
    for (const { cost, uncollected } of page.items as readonly CallRecord[]) {
      records++
      recordsCharged += cost - uncollected
    }
    cursor = page.next as string | null
  }
  return { records, recordsCharged }
}

/** What is said where the views never came so far; `reply` is what they said last. */
function noRecords({ body: { code, detail } }: JsonReply): CliError {
  const said = detail === undefined ? '' : `: ${String(detail).replace(/\.$/, '')}`
  // Views give way to everybody; whoever has none at all is not told to wait for others.
  const advice =
    code === 'view_behind'
      ? ' Views have only what other programs leave of the cores. Try again when those are done.'
      : ''
  return new CliError(
    EXIT.failed,
    `The calls are done, but there is no list of their records. The server answers ${code}${said}.${advice}`,
  )
}
