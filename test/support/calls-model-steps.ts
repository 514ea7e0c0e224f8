// What may happen to the plain model of calls, what it answers, and what a call is and costs
// there. What becomes of a step is in calls-model.ts.

/** The numbers of a tariff, and its prefix. */
export interface ModelTariff {
  readonly id: string
  readonly prefix: string
  readonly ratePerMinute: number
  readonly connectFee: number
  readonly initialIncrement: number
  readonly increment: number
  /** Short: the model tries every second. */
  readonly maxDuration: number
}

/** What may happen. Ids are small numbers as text. */
export type Step =
  | { readonly is: 'top_up'; readonly customer: string; readonly amount: number }
  | { readonly is: 'credit'; readonly customer: string; readonly value: number }
  | ({ readonly is: 'start' } & ModelStart)
  | { readonly is: 'answer'; readonly call: string }
  | { readonly is: 'extend'; readonly call: string; readonly used: number; readonly more: number }
  | { readonly is: 'end'; readonly call: string; readonly seconds: number }
  | { readonly is: 'cancel'; readonly call: string }
  | ({ readonly is: 'campaign' } & ModelCampaignAsked)
  | { readonly is: 'close'; readonly campaign: string }
  | { readonly is: 'wait'; readonly seconds: number }

/** What a start asks for. */
export interface ModelStart {
  readonly call: string
  readonly customer: string
  readonly mode: 'max' | 'block'
  readonly destination: string
  readonly seconds: number
  readonly min: number
  readonly campaign: string | undefined
}

/** What a campaign asks for. */
export interface ModelCampaignAsked {
  readonly campaign: string
  readonly customer: string
  readonly tariff: string
  readonly calls: number
  readonly seconds: number
  readonly isAll: boolean
}

/** What a reply must say: its code, and these numbers. `different` stands for any difference. */
export type Expected = Readonly<Record<string, unknown>> & { readonly code: string }

/** Cost of so many seconds, increment by increment. */
export function modelCost(tariff: ModelTariff, seconds: number): number {
  if (seconds === 0) return 0
  let billed = tariff.initialIncrement
  while (billed < seconds) billed += tariff.increment
  return tariff.connectFee + Math.ceil((billed * tariff.ratePerMinute) / 60)
}

/** The longest duration up to `secondsMax` that costs no more than `money`. */
export function modelAffordable(tariff: ModelTariff, money: number, secondsMax: number): number {
  let seconds = 0
  while (seconds < secondsMax && modelCost(tariff, seconds + 1) <= money) seconds++
  return seconds
}

/** A live call. */
export interface ModelCall {
  readonly asked: string
  readonly customer: string
  readonly tariff: ModelTariff
  readonly secondsMax: number
  readonly share: number
  wanted: number
  granted: number
  used: number
  readonly startedAt: number
  answeredAt: number | undefined
  validUntil: number
}

/** What is held for a live call: block by block a campaign's whole share. */
export function reservedOf({ tariff, granted, share }: ModelCall): number {
  return Math.max(modelCost(tariff, granted), share)
}
