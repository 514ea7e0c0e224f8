// The rules of calls again, slow and obvious: plain objects, money summed up anew for each question,
// what money buys found by trying one second after the other. Made for tariffs with short grants.

import {
  type Expected,
  type ModelCall,
  type ModelCampaignAsked,
  type ModelStart,
  type ModelTariff,
  modelAffordable,
  modelCost,
  reservedOf,
  type Step,
} from './calls-model-steps.ts'

interface ModelCustomer {
  balance: number
  credit: number
}

interface ModelRecord {
  readonly asked: string
  readonly customer: string
  readonly tariff: ModelTariff
  readonly granted: number
  readonly wasAnswered: boolean
  readonly state: 'settled' | 'canceled' | 'expired'
  seconds: number | undefined
  cost: number
  uncollected: number
  released: number
}

interface ModelCampaign {
  readonly asked: string
  readonly customer: string
  readonly tariff: ModelTariff
  readonly admitted: number
  readonly secondsPerCall: number
  readonly closesAt: number
  started: number
  isOpen: boolean
  released: number
}

/** See the head of this file. `channels`: what each customer is limited to. */
export class CallsModel {
  readonly customers = new Map<string, ModelCustomer>()
  readonly calls = new Map<string, ModelCall>()
  readonly records = new Map<string, ModelRecord>()
  readonly campaigns = new Map<string, ModelCampaign>()
  readonly #tariffs: readonly ModelTariff[]
  readonly #channels: number
  now: number

  constructor(
    tariffs: readonly ModelTariff[],
    customers: readonly string[],
    channels: number,
    now: number,
  ) {
    this.#tariffs = tariffs
    this.#channels = channels
    this.now = now
    for (const id of customers) this.customers.set(id, { balance: 0, credit: 0 })
  }

  held(customer: string): number {
    let held = 0
    for (const call of this.calls.values()) {
      if (call.customer === customer) held += reservedOf(call)
    }
    for (const campaign of this.campaigns.values()) {
      if (campaign.customer === customer && campaign.isOpen) held += undrawn(campaign)
    }
    return held
  }

  available(customer: string): number {
    const { balance, credit } = this.#customer(customer)
    return balance + credit - this.held(customer)
  }

  /** What calls were charged in all. */
  get charged(): number {
    return [...this.records.values()].reduce((sum, { cost, uncollected }) => {
      return sum + cost - uncollected
    }, 0)
  }

  /** Does a step; what its reply must say, or undefined where it has none. */
  do(step: Step): Expected | undefined {
    switch (step.is) {
      case 'top_up':
        return this.#topUp(step.customer, step.amount)
      case 'credit':
        return this.#setCredit(step.customer, step.value)
      case 'start':
        return this.#start(step)
      case 'answer':
        return this.#answer(step.call)
      case 'extend':
        return this.#extend(step.call, step.used, step.more)
      case 'end':
        return this.#end(step.call, step.seconds)
      case 'cancel':
        return this.#cancel(step.call)
      case 'campaign':
        return this.#addCampaign(step)
      case 'close':
        return this.#close(step.campaign)
      case 'wait':
        this.#wait(step.seconds)
        return undefined
    }
  }

  #customer(id: string): ModelCustomer {
    return this.customers.get(id) as ModelCustomer
  }

  #topUp(id: string, amount: number): Expected {
    this.#customer(id).balance += amount
    const live = [...this.calls.entries()].filter(([, call]) => call.customer === id)
    const extended: unknown[] = []
    const [callId, call] = live[0] ?? []
    if (live.length === 1 && callId !== undefined && call !== undefined) {
      const total = Math.min(call.wanted, this.#affordableTotal(call))
      if (total > call.granted) {
        call.granted = total
        if (call.answeredAt !== undefined) this.#schedule(call, call.answeredAt)
        extended.push({ callId, totalGrantedSeconds: total })
      }
    }
    return { code: 'ok', available: this.available(id), extended }
  }

  #setCredit(id: string, value: number): Expected {
    const customer = this.#customer(id)
    const minimum = this.held(id) - customer.balance
    if (value < minimum) return { code: 'limit_in_use', minimum }
    customer.credit = value
    return { code: 'ok', available: this.available(id) }
  }

  #affordableTotal(call: ModelCall): number {
    const money = reservedOf(call) + this.available(call.customer)
    return modelAffordable(call.tariff, money, call.secondsMax)
  }

  #schedule(call: ModelCall, answeredAt: number): void {
    call.answeredAt = answeredAt
    call.validUntil = Math.max(answeredAt + call.granted * 1_000, this.now) + 60_000
  }

  #start(step: ModelStart): Expected {
    const { call: _, ...content } = step
    const asked = JSON.stringify(content)
    const known = this.calls.get(step.call) ?? this.records.get(step.call)
    if (known !== undefined) {
      return known.asked === asked
        ? { code: 'ok', grantedSeconds: known.granted }
        : { code: 'different' }
    }
    const campaign = step.campaign === undefined ? undefined : this.campaigns.get(step.campaign)
    if (step.campaign !== undefined && campaign === undefined) return { code: 'campaign_not_found' }
    const tariff = this.#tariffs.find(({ prefix }) => step.destination.startsWith(prefix))
    if (tariff === undefined) return { code: 'destination_unknown' }
    const longest = step.mode === 'max' ? Math.min(step.seconds, tariff.maxDuration) : Infinity
    if (step.min > longest) return { code: 'min_seconds_too_long', secondsMax: longest }
    if (campaign !== undefined) {
      const isSame = campaign.customer === step.customer && campaign.tariff === tariff
      if (!isSame) return { code: 'campaign_mismatch' }
      if (!campaign.isOpen) return { code: 'campaign_closed' }
      if (campaign.started >= campaign.admitted) return { code: 'campaign_used_up' }
    }
    const live = [...this.calls.values()].filter(({ customer }) => customer === step.customer)
    if (live.length >= this.#channels) return { code: 'max_channels' }
    return this.#letIn(step, asked, tariff, campaign)
  }

  #letIn(
    step: ModelStart,
    asked: string,
    tariff: ModelTariff,
    campaign: ModelCampaign | undefined,
  ): Expected {
    const isMax = step.mode === 'max'
    const secondsMax = tariff.maxDuration
    const available = this.available(step.customer)
    const share = campaign === undefined ? 0 : modelCost(tariff, campaign.secondsPerCall)
    // Longer than any grant, so that it is what the money buys and not what the tariff allows.
    const affordable =
      campaign === undefined
        ? modelAffordable(tariff, available, 1_000)
        : modelAffordable(tariff, share, campaign.secondsPerCall)
    if (affordable < step.min) {
      const maxAffordableSeconds = Math.min(affordable, secondsMax)
      return { code: 'insufficient_funds', maxAffordableSeconds, available }
    }
    if (campaign !== undefined) campaign.started++
    const wanted = Math.min(secondsMax, step.seconds)
    const call: ModelCall = {
      asked,
      customer: step.customer,
      tariff,
      secondsMax,
      share: isMax ? 0 : share,
      wanted,
      granted: Math.min(wanted, affordable),
      used: 0,
      startedAt: this.now,
      answeredAt: undefined,
      validUntil: this.now + 120_000,
    }
    this.calls.set(step.call, call)
    const isLast = !isMax && call.granted >= this.#affordableTotal(call)
    const finalUnit = isLast || call.granted < wanted
    return { code: 'ok', grantedSeconds: call.granted, reserved: reservedOf(call), finalUnit }
  }

  #answer(id: string): Expected {
    const call = this.calls.get(id)
    if (call === undefined) {
      const record = this.records.get(id)
      if (record === undefined) return { code: 'call_not_found' }
      return { code: record.wasAnswered ? 'ok' : 'call_ended' }
    }
    if (call.answeredAt === undefined) this.#schedule(call, this.now)
    return { code: 'ok', state: 'answered', grantedSeconds: call.granted }
  }

  #extend(id: string, used: number, more: number): Expected {
    const call = this.calls.get(id)
    if (call === undefined) return { code: this.records.has(id) ? 'call_ended' : 'call_not_found' }
    const before = call.granted
    const isMore = used + more > before
    if (isMore && before >= call.secondsMax) return { code: 'max_duration' }
    const affordable = this.#affordableTotal(call)
    if (isMore && affordable <= before) return { code: 'insufficient_funds' }
    const wanted = Math.min(used + more, call.secondsMax)
    call.granted = Math.max(before, Math.min(wanted, affordable))
    call.wanted = Math.max(wanted, call.wanted)
    call.used = Math.max(call.used, used)
    if (call.answeredAt !== undefined) this.#schedule(call, call.answeredAt)
    else if (call.used > 0) {
      this.#schedule(call, Math.max(call.startedAt, this.now - call.used * 1_000))
    }
    return {
      code: 'ok',
      grantedSeconds: call.granted - before,
      totalGrantedSeconds: call.granted,
      reserved: reservedOf(call),
      finalUnit: call.granted >= affordable,
    }
  }

  #end(id: string, seconds: number): Expected {
    const call = this.calls.get(id)
    if (call !== undefined) return factsOf(this.#finish(id, call, 'settled', seconds, seconds))
    const record = this.records.get(id)
    if (record === undefined) return { code: 'call_not_found' }
    if (record.state === 'canceled') return { code: 'call_ended' }
    if (record.seconds === seconds) return factsOf(record)
    if (record.seconds !== undefined) return { code: 'exists_with_different_duration_seconds' }
    const cost = modelCost(record.tariff, seconds)
    const paid = record.cost - record.uncollected
    const customer = this.#customer(record.customer)
    const more = Math.min(Math.max(0, cost - paid), this.available(record.customer))
    const less = Math.max(0, paid - cost)
    customer.balance += less - more
    record.seconds = seconds
    record.cost = cost
    record.uncollected = cost - (paid + more - less)
    record.released += less
    return factsOf(record)
  }

  #finish(
    id: string,
    call: ModelCall,
    state: ModelRecord['state'],
    charged: number,
    seconds: number | undefined,
  ): ModelRecord {
    const reserved = reservedOf(call)
    const cost = modelCost(call.tariff, charged)
    this.calls.delete(id)
    // Available while the call, which is gone already, held its reserve.
    const beside = this.available(call.customer) - reserved
    const paid = Math.min(cost, Math.min(cost, reserved) + beside)
    this.#customer(call.customer).balance -= paid
    const record: ModelRecord = {
      asked: call.asked,
      customer: call.customer,
      tariff: call.tariff,
      granted: call.granted,
      wasAnswered: call.answeredAt !== undefined,
      state,
      seconds,
      cost,
      uncollected: cost - paid,
      released: Math.max(0, reserved - cost),
    }
    this.records.set(id, record)
    return record
  }

  #cancel(id: string): Expected {
    const call = this.calls.get(id)
    if (call === undefined) {
      const record = this.records.get(id)
      if (record === undefined) return { code: 'call_not_found' }
      return record.state === 'canceled' ? factsOf(record) : { code: 'call_ended' }
    }
    if (call.answeredAt !== undefined) return { code: 'call_answered' }
    return factsOf(this.#finish(id, call, 'canceled', 0, 0))
  }

  #addCampaign(step: ModelCampaignAsked): Expected {
    const { campaign: id, ...content } = step
    const asked = JSON.stringify(content)
    const known = this.campaigns.get(id)
    if (known !== undefined) {
      return known.asked === asked
        ? { code: 'ok', admitted: known.admitted }
        : { code: 'different' }
    }
    const tariff = this.#tariffs.find((one) => one.id === step.tariff)
    if (tariff === undefined) return { code: 'tariff_not_found' }
    const secondsPerCall = Math.min(step.seconds, tariff.maxDuration)
    const cost = modelCost(tariff, secondsPerCall)
    let admitted = 0
    while (admitted < step.calls && (admitted + 1) * cost <= this.available(step.customer)) {
      admitted++
    }
    if (admitted === 0 || (step.isAll && admitted < step.calls)) {
      return { code: 'insufficient_funds', maxAffordableCalls: admitted }
    }
    this.campaigns.set(id, {
      asked,
      customer: step.customer,
      tariff,
      admitted,
      secondsPerCall,
      closesAt: this.now + 86_400_000,
      started: 0,
      isOpen: true,
      released: 0,
    })
    return { code: 'ok', admitted, rejected: step.calls - admitted, reserved: admitted * cost }
  }

  #close(id: string): Expected {
    const campaign = this.campaigns.get(id)
    if (campaign === undefined) return { code: 'campaign_not_found' }
    if (campaign.isOpen) {
      campaign.released = undrawn(campaign)
      campaign.isOpen = false
    }
    return { code: 'ok', state: 'closed', released: campaign.released }
  }

  #wait(seconds: number): void {
    const until = this.now + seconds * 1_000
    for (;;) {
      const due = [...this.calls.entries()]
        .filter(([, { validUntil }]) => validUntil <= until)
        .sort(([, a], [, b]) => a.validUntil - b.validUntil)[0]
      if (due === undefined) break
      const [id, call] = due
      this.now = call.validUntil
      const { answeredAt, used, granted } = call
      const elapsed = answeredAt === undefined ? 0 : Math.floor((this.now - answeredAt) / 1_000)
      const charged = Math.min(granted, Math.max(used, elapsed))
      this.#finish(id, call, 'expired', answeredAt === undefined ? 0 : charged, undefined)
    }
    this.now = until
  }
}

function undrawn({ admitted, started, tariff, secondsPerCall }: ModelCampaign): number {
  return (admitted - started) * modelCost(tariff, secondsPerCall)
}

function factsOf({ state, cost, uncollected, released }: ModelRecord): Expected {
  return { code: 'ok', state, cost, uncollected, released }
}
