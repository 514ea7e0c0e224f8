// What the module of desk-module.ts and the core beside it come to, in plain objects: no undo log, no
// index, no memory of bytes. A command works on a copy of everything, which is kept or thrown away.

import { CARDS_MAX, type MessEnd } from './desk-module.ts'
import type { CoreCommand, Item, ModuleCommand } from './module-engine.ts'

interface Account {
  readonly ledger: number
  readonly external: boolean
  readonly owned: boolean
  balance: number
  held: number
}

interface Card {
  readonly id: string
  uses: number
  readonly note: string | null
}

interface Hold {
  readonly ref: string
  readonly card: string
  readonly amount: number
}

interface Timer {
  readonly kind: string
  readonly key: string
  dueMs: number
  readonly order: number
}

interface State {
  accounts: Map<string, Account>
  cards: Map<string, Card>
  holds: Map<string, Hold>
  timers: Timer[]
  order: number
  failedTimers: number
  events: string[]
}

interface Reply {
  readonly code: string
  readonly [field: string]: unknown
}

/** What a command comes to: its status, and the reply or what moved. */
export interface Expected {
  readonly code: string
  readonly reply: Reply | undefined
  readonly replayed: boolean
  /** For `exists_with_different_input` the number of the field. */
  readonly moved: number
}

/** What is remembered of an id. */
interface Known {
  readonly kind: string
  readonly place: string
  readonly content: string
  readonly input: Readonly<Record<string, unknown>>
  readonly outcome: Expected
}

const TILL = 'desk/till'

/** See the head of this file. */
export class DeskModel {
  #state: State = {
    accounts: new Map(),
    cards: new Map(),
    holds: new Map(),
    timers: [],
    order: 0,
    failedTimers: 0,
    events: [],
  }
  readonly #known = new Map<string, Known>()
  #nowMs = 0
  readonly counts = new Map<string, number>()

  get failedTimers(): number {
    return this.#state.failedTimers
  }

  /** Everything that can be seen, as text. */
  shown(): string {
    const { accounts, cards, holds } = this.#state
    return JSON.stringify([[...accounts], [...cards.values()], [...holds.values()]])
  }

  /** Every account's numbers. */
  accounts(): ReadonlyMap<string, { readonly balance: number; readonly held: number }> {
    return this.#state.accounts
  }

  holds(): ReadonlyMap<string, Hold> {
    return this.#state.holds
  }

  cards(): ReadonlyMap<string, Card> {
    return this.#state.cards
  }

  /** Events that were made known since the last call. */
  told(): string[] {
    const { events } = this.#state
    this.#state.events = []
    return events
  }

  apply(items: readonly Item[], nowMs: number): Expected[] {
    this.#fireUntil(nowMs)
    this.#nowMs = nowMs
    const outcomes: Expected[] = []
    for (let n = 0; n < items.length; ) {
      let end = n
      while (isLinked(items[end])) end++
      outcomes.push(...this.#applyChain(items.slice(n, end + 1)))
      n = end + 1
    }
    for (const { code, reply } of outcomes) {
      for (const name of [code, reply?.code ?? code]) {
        this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
      }
    }
    return outcomes
  }

  #fireUntil(nowMs: number): void {
    for (;;) {
      const due = this.#state.timers
        .filter(({ dueMs }) => dueMs <= nowMs)
        .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0]
      if (due === undefined) return
      this.#state.timers = this.#state.timers.filter((timer) => timer !== due)
      this.#nowMs = due.dueMs
      if (due.kind === 'fail') this.#state.failedTimers++
      else this.#drop(due.key)
    }
  }

  #drop(ref: string): void {
    const hold = this.#state.holds.get(ref) as Hold
    this.#move(TILL, hold.card, 0, -hold.amount)
    this.#state.holds.delete(ref)
    this.#state.events.push(`hold.dropped ${ref} ${this.#nowMs}`)
    if (ref.endsWith('again')) this.#set('fail', ref, this.#nowMs + 1)
  }

  #set(kind: string, key: string, dueMs: number): void {
    const timer = this.#state.timers.find((one) => one.kind === kind && one.key === key)
    if (timer !== undefined) timer.dueMs = dueMs
    else this.#state.timers.push({ kind, key, dueMs, order: this.#state.order++ })
  }

  /** Posts `amount` from one account to the other and holds `held` more of the other's. */
  #move(from: string, to: string, amount: number, held: number): void {
    const { accounts } = this.#state
    ;(accounts.get(from) as Account).balance -= amount
    ;(accounts.get(to) as Account).balance += amount
    ;(accounts.get(to) as Account).held += held
  }

  #applyChain(items: readonly Item[]): Expected[] {
    const commands = items.filter(isCommand)
    if (commands.length === 0) return []
    const known = commands.map((command) => this.#known.get(idOf(command)))
    const places = commands.map((_, n) => placeOf(n, commands.length))
    if (commands.length > 1) return this.#applyLinked(commands, known, places)
    const [command] = commands as [ModuleCommand | CoreCommand]
    if (known[0] !== undefined) return [again(known[0], command, 'alone')]
    const outcome = this.#tryOne(command)
    this.#remember(command, 'alone', outcome)
    return [outcome]
  }

  #applyLinked(
    commands: readonly (ModuleCommand | CoreCommand)[],
    known: readonly (Known | undefined)[],
    places: readonly string[],
  ): Expected[] {
    if (known.every((one) => one === undefined)) return this.#decideLinked(commands, places)
    if (known.some((one) => one === undefined)) {
      return commands.map(() => plain('chain_mismatch'))
    }
    const outcomes = commands.map((one, n) => again(known[n] as Known, one, places[n] as string))
    const wrong = outcomes.findIndex(({ replayed }) => !replayed)
    if (wrong < 0) return outcomes
    return outcomes.map((outcome, n) => (n === wrong ? outcome : plain('linked_failed')))
  }

  #decideLinked(
    commands: readonly (ModuleCommand | CoreCommand)[],
    places: readonly string[],
  ): Expected[] {
    const before = structuredClone(this.#state)
    const outcomes: Expected[] = []
    for (const [n, command] of commands.entries()) {
      const outcome = this.#tryOne(command)
      outcomes.push(outcome)
      if (outcome.code === 'ok') continue
      this.#state = before
      const all = commands.map((_, i) => (i === n ? outcome : plain('linked_failed')))
      if (outcome.code !== 'module_full') {
        for (const [i, one] of commands.entries()) {
          this.#remember(one, places[i] as string, all[i] as Expected)
        }
      }
      return all
    }
    for (const [i, one] of commands.entries()) {
      this.#remember(one, places[i] as string, outcomes[i] as Expected)
    }
    return outcomes
  }

  #remember(command: ModuleCommand | CoreCommand, place: string, outcome: Expected): void {
    if (outcome.code === 'module_full') return
    if ('core' in command && command.core === 'open_account') return
    const input = 'core' in command ? { ...command.fields } : command.input
    const kind = 'core' in command ? command.core : command.command
    const content = JSON.stringify(input)
    this.#known.set(idOf(command), { kind, place, content, input, outcome })
  }

  /** Decides one command; where it is refused, nothing has changed. */
  #tryOne(command: ModuleCommand | CoreCommand): Expected {
    const before = structuredClone(this.#state)
    const outcome = 'core' in command ? this.#core(command) : this.#module(command)
    if (outcome.code !== 'ok') this.#state = before
    return outcome
  }

  #core({ core, fields }: CoreCommand): Expected {
    const { accounts } = this.#state
    if (core === 'open_account') {
      const known = accounts.get(fields.id)
      if (fields.id.startsWith('desk/')) return plain('owned_by_module')
      if (known !== undefined) return { ...plain('ok'), replayed: true }
      const { external = false, ledger = 0 } = fields
      accounts.set(fields.id, { ledger, external, owned: false, balance: 0, held: 0 })
      return plain('ok')
    }
    const debit = accounts.get(fields.debitAccount as string)
    const credit = accounts.get(fields.creditAccount as string)
    if (debit === undefined) return plain('debit_account_not_found')
    if (credit === undefined) return plain('credit_account_not_found')
    if (debit.ledger !== credit.ledger) return plain('ledgers_must_match')
    if (debit.owned || credit.owned) return plain('owned_by_module')
    const amount = fields.amount as number
    if (!debit.external && debit.balance < amount) return plain('insufficient_funds')
    debit.balance -= amount
    credit.balance += amount
    return { ...plain('ok'), moved: amount }
  }

  #module({ command, input }: ModuleCommand): Expected {
    const reply = this.#handle(command, input as never)
    if (typeof reply === 'string') {
      const shown = reply === 'module_failed' ? { code: reply } : undefined
      return { ...plain(reply), reply: shown }
    }
    return { ...plain(reply.code === 'ok' ? 'ok' : 'module_refused'), reply }
  }

  #handle(
    command: string,
    input: { id: string; note?: string; ref: string; amount: number; forMs: number } & {
      end: MessEnd
      key: string
      inMs: number
    },
  ): Reply | string {
    // A command that was changed on the way again, and whose first one nobody remembers.
    if (typeof (input.id ?? '') !== 'string') return 'module_failed'
    switch (command) {
      case 'open':
        return this.#open(input.id, input.note ?? null)
      case 'fund':
        return this.#fund(input.id, input.amount)
      case 'hold':
        return this.#hold(input)
      case 'take':
        return this.#take(input.ref, input.amount)
      case 'mess':
        return this.#mess(input.id, input.end)
      default:
        this.#set('fail', input.key, this.#nowMs + input.inMs)
        return { code: 'ok' }
    }
  }

  #open(id: string, note: string | null): Reply | string {
    const { cards, accounts } = this.#state
    if (cards.has(id)) return { code: 'card_exists' }
    const fresh = { ledger: 7, owned: true, balance: 0, held: 0 }
    if (!accounts.has(TILL)) accounts.set(TILL, { ...fresh, external: true })
    accounts.set(`desk/card/${id}`, { ...fresh, external: false })
    if (note !== null && typeof note !== 'string') return 'module_failed'
    if (cards.size >= CARDS_MAX) return 'module_full'
    cards.set(id, { id, uses: 0, note })
    const alike = [...cards.values()].filter((card) => card.note === note && note !== 'vip')
    return { code: 'ok', cards: cards.size, likeIt: alike.length }
  }

  #fund(id: string, amount: number): Reply {
    const card = this.#state.cards.get(id)
    if (card === undefined) return { code: 'no_card' }
    this.#move(TILL, `desk/card/${id}`, amount, 0)
    card.uses++
    return { code: 'ok', balance: this.#state.accounts.get(`desk/card/${id}`)?.balance }
  }

  #hold(input: Omit<Hold, 'card'> & { readonly id: string; readonly forMs: number }): Reply {
    const { ref, id, amount, forMs } = input
    const { cards, holds, accounts } = this.#state
    if (!cards.has(id)) return { code: 'no_card' }
    if (holds.has(ref)) return { code: 'hold_exists' }
    const account = accounts.get(`desk/card/${id}`) as Account
    if (account.balance - account.held < amount) return { code: 'insufficient_funds' }
    account.held += amount
    holds.set(ref, { ref, card: `desk/card/${id}`, amount })
    this.#set('drop', ref, this.#nowMs + forMs)
    this.#state.events.push(`hold.made ${ref} ${amount}`)
    return { code: 'ok', held: account.held }
  }

  #take(ref: string, amount: number): Reply {
    const hold = this.#state.holds.get(ref)
    if (hold === undefined) return { code: 'no_hold' }
    if (amount > hold.amount) return { code: 'exceeds_reservation' }
    this.#move(TILL, hold.card, -amount, -hold.amount)
    // Money that is taken goes from the card to the till.
    this.#state.holds.delete(ref)
    this.#state.timers = this.#state.timers.filter(
      ({ kind, key }) => kind !== 'drop' || key !== ref,
    )
    return { code: 'ok', moved: amount }
  }

  #mess(id: string, end: MessEnd): Reply | string {
    if (end === 'refuse') return { code: 'messy', id }
    return end === 'full' ? 'module_full' : 'module_failed'
  }
}

function isLinked(item: Item | undefined): boolean {
  return typeof item === 'object' && !('void' in item) && item.linked === true
}

function isCommand(item: Item): item is ModuleCommand | CoreCommand {
  return typeof item === 'object' && !('void' in item)
}

function idOf(command: ModuleCommand | CoreCommand): string {
  if (!('core' in command)) return command.id
  return command.core === 'open_account' ? `account ${command.fields.id}` : command.fields.id
}

function placeOf(n: number, count: number): string {
  if (count === 1) return 'alone'
  return n === 0 ? 'first' : n === count - 1 ? 'last' : 'middle'
}

function plain(code: string): Expected {
  return { code, reply: undefined, replayed: false, moved: 0 }
}

/** What a command with a known id comes to. */
function again(known: Known, command: ModuleCommand | CoreCommand, place: string): Expected {
  const kind = 'core' in command ? command.core : command.command
  if (kind !== known.kind) return plain('exists_with_different_type')
  if (place !== known.place) return plain('exists_with_different_linked')
  const input: Readonly<Record<string, unknown>> =
    'core' in command ? { ...command.fields } : command.input
  if (JSON.stringify(input) === known.content) return { ...known.outcome, replayed: true }
  if ('core' in command) return plain('exists_with_different_amount')
  const fields = command.fields.findIndex((name) => input[name] !== known.input[name])
  return { ...plain('exists_with_different_input'), moved: fields + 1 }
}
