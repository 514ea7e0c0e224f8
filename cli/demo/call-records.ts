// The records of a customer's calls as the views list them, summed up: a second count of what the replies
// said, by another way.

import { setTimeout as delay } from 'node:timers/promises'
import { CliError, EXIT } from '../exit-codes.ts'
import { expectOk, jsonClient } from './json-client.ts'
import type { Stage } from './stage.ts'

/** How often views that have not come so far are asked, five seconds each time, with a pause in ms. */
const ATTEMPTS = 20
const PAUSE_MS = 200

/** They give way to everybody. */
const NO_VIEWS =
  'the calls are done, but there is no list of their records: other programs keep every core busy, and ' +
  'views have only what others leave; try again when they are done'

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

/** Sums up all records of the customer up to `minSequence` at least. */
export async function callRecords(
  { url, signal, defer }: Stage,
  customerId: string,
  minSequence: number,
): Promise<CallFigures> {
  const client = jsonClient(url)
  defer(() => client.close())
  let records = 0
  let recordsCharged = 0
  let cursor: string | null = ''
  let attempts = 0
  while (cursor !== null) {
    signal.throwIfAborted()
    const after = cursor === '' ? '' : `&cursor=${cursor}`
    const filter = `customerId=${customerId}&minSequence=${minSequence}&limit=200`
    const reply = await client.ask('GET', `/v1/call-records?${filter}${after}`)
    // Views follow at their own pace.
    if (reply.status === 503) {
      if (++attempts === ATTEMPTS) throw new CliError(EXIT.failed, NO_VIEWS)
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
