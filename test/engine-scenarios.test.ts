// The contract suite over the model and the engine: what every command does, guard by guard, as
// tables. The tables are in scenarios/.

import t from 'tap'
import { STATUSES } from '../protocol/index.ts'
import { ACCOUNTS } from './scenarios/accounts.ts'
import { CHAINS } from './scenarios/chains.ts'
import { EXPIRY } from './scenarios/expiry.ts'
import { GROUPS } from './scenarios/groups.ts'
import { MEMORY } from './scenarios/memory.ts'
import { RESERVATIONS } from './scenarios/reservations.ts'
import { TRANSFERS } from './scenarios/transfers.ts'
import { capacitiesOf, runScenario } from './support/contract.ts'
import { EngineSubject } from './support/engine-subject.ts'
import { ModelSubject } from './support/subjects.ts'

const ALL = { ACCOUNTS, TRANSFERS, RESERVATIONS, EXPIRY, GROUPS, CHAINS, MEMORY }

const seen = new Set<string>()

for (const [part, scenarios] of Object.entries(ALL)) {
  for (const scenario of scenarios) {
    t.test(`${part.toLowerCase()}: ${scenario.name}`, async (t) => {
      const capacities = capacitiesOf(scenario)
      const subjects = [new ModelSubject(capacities), new EngineSubject(capacities)]
      for (const code of runScenario(scenario, subjects)) seen.add(code)
      t.pass('as the table says')
    })
  }
}

/** Those that come with modules alone: modules.test.ts has them. */
const OF_MODULES: ReadonlySet<string> = new Set([
  'exists_with_different_input',
  'owned_by_module',
  'module_full',
  'module_failed',
  'module_refused',
])

t.test('the scenarios show every status that the engine decides', async (t) => {
  const missing = STATUSES.filter(
    ({ number, code }) => number < 200 && !seen.has(code) && !OF_MODULES.has(code),
  )
  t.strictSame(
    missing.map(({ code }) => code),
    ['group_full'],
    'a full group is in engine-model.test.ts: it takes 1,025 lines',
  )
})
