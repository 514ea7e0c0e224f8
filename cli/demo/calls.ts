// `holdfast demo calls`: both parts one after the other, with what there is to say between them.

import { EXIT, type ExitCode } from '../exit-codes.ts'
import { grouped, printJson } from '../output.ts'
import { Campaign, type CampaignResult, TOP_UP_MS } from './calls-campaign.ts'
import { campaignPicture, raceTable, sumsTable } from './calls-picture.ts'
import { PAID_FOR, type Race, runRace, STARTS } from './calls-race.ts'
import { Screen } from './screen.ts'
import { onStage, type Stage } from './stage.ts'

/** How it is shown. */
export interface DemoOptions {
  /** Lines, never a picture that is drawn anew. */
  readonly plain: boolean
  /** The final figures as JSON on stdout, and all else on stderr. */
  readonly json: boolean
}

/** How often the customer's money is looked at, in ms. */
const LOOK_MS = 100

/**
 * Plays it. `EXIT.failed` where a sum does not come out, or Holdfast let in another number of calls than
 * there was money for. Rejects with `CliError` after a signal.
 */
export async function demoCalls({ plain, json }: DemoOptions): Promise<ExitCode> {
  const screen = new Screen({ isPlain: plain, isData: json })
  return onStage(async (stage) => {
    const race = await playRace(stage, screen)
    const campaign = await playCampaign(stage, screen)
    const { racy, holdfast } = race
    const isExact = holdfast.admitted === PAID_FOR && holdfast.balance === 0
    const holds = isExact && campaign.agrees
    if (json)
      printJson({ demo: 'calls', holds, race: { starts: STARTS, racy, holdfast }, campaign })
    else screen.say(holds ? '\nEverything adds up.' : '\nIT DOES NOT ADD UP: see above.')
    return holds ? EXIT.fine : EXIT.failed
  })
}

async function playRace(stage: Stage, screen: Screen): Promise<Race> {
  screen.tell(`1. ${STARTS} calls start at once, and there is money for ${PAID_FOR}.

A server reads the balance from SQLite, checks it, awaits something else, and writes. Holdfast checks
and holds in one step. Both get the same requests on ${STARTS} connections; then all calls end.`)
  screen.say('')
  const race = await runRace(stage)
  const { racy } = race
  screen.say(raceTable(race))
  screen.say('')
  screen.tell(
    racy.admitted > PAID_FOR
      ? `The first let in ${grouped(racy.admitted)}; how many it lets in differs from run to run.`
      : 'The first was lucky this time, as such servers are in tests: run it again.',
  )
  screen.say('')
  return race
}

async function playCampaign(stage: Stage, screen: Screen): Promise<CampaignResult> {
  const campaign = await Campaign.prepare(stage)
  screen.tell(`2. A campaign of ${grouped(campaign.wanted)} calls, a thousand starts a second over the stream.

The money holds ${grouped(campaign.admissible)} calls of a minute at once. Each start holds its minute, each end charges what
was talked and gives the rest back; without money a start is refused. After ${TOP_UP_MS / 1_000} s there is a top-up.`)
  screen.say('')
  const stop = screen.show(campaignPicture(campaign))
  const looking = new AbortController()
  const looks = look(campaign, looking.signal)
  try {
    await Promise.all([campaign.run().finally(() => looking.abort()), looks])
    await campaign.look()
  } finally {
    looking.abort()
    stop()
  }
  const { started, refused, ended, canceled, liveMax } = campaign.counts
  screen.say('')
  screen.tell(
    `${grouped(started)} calls were let in, ${grouped(liveMax)} at once at most; ` +
      `${grouped(refused)} were refused. ${grouped(ended)} were charged, ${grouped(canceled)} not answered.`,
  )
  screen.say('')
  const result = await campaign.result()
  screen.say(sumsTable(result))
  return result
}

/** Keeps the customer's money in sight until it is told to end. */
async function look(campaign: Campaign, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await campaign.look()
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
