// Scenarios of what is remembered: the window, the retention, ids that carry their time, new limits.

import type { Scenario } from '../support/contract.ts'

const START = `
   0 | open bank ledger 1 external   | ok             |
   0 | open acme ledger 1            | ok             |`

export const MEMORY: readonly Scenario[] = [
  {
    name: 'nothing younger than the window is forgotten: there is no room instead',
    limits: { outcomesMax: 2, windowMs: 10 },
    table: `${START}
   1 | transfer t1 bank > acme 1     | ok 1           | acme 1
   2 | transfer t2 bank > acme 1     | ok 1           | acme 2
   3 | transfer t3 bank > acme 1     | overloaded     | acme 2
   3 | reserve r1 bank > acme 1      | overloaded     | acme 2; r1 unknown
   3 | transfer t1 bank > acme 1     | ok 1 again #3  | acme 2
   3 | open shop ledger 1            | ok             | shop 0
   3 | open shop ledger 1            | ok again       |
   3 | transfer t1 bank > shop 1     | exists_with_different_credit_account |
  10 | transfer t3 bank > acme 1     | overloaded     | acme 2
  11 | transfer t3 bank > acme 1     | ok 1           | acme 3
  11 | transfer t1 bank > acme 1     | overloaded     | acme 3
  12 | transfer t1 bank > acme 1     | ok 1 #14       | acme 4
  12 | transfer t2 bank > acme 1     | overloaded     | acme 4`,
  },
  {
    name: 'a chain is forgotten as one, and no other chain with it',
    limits: { outcomesMax: 4, windowMs: 10 },
    table: `${START}
   1 | transfer t1 bank > acme 1 linked | ok 1        |
     | transfer t2 bank > acme 1 linked | ok 1        |
     | reserve r1 bank > acme 1         | ok 1        | acme 2 in 1
   9 | reserve r2 bank > acme 1 linked  | ok 1        |
     | transfer t3 bank > acme 1        | ok 1        | acme 3 in 2
  11 | transfer t4 bank > acme 1        | ok 1        | acme 4 in 2
  11 | transfer t5 bank > acme 1        | ok 1        | acme 5 in 2
  11 | reserve r2 bank > acme 1 linked  | ok 1 again  |
     | transfer t3 bank > acme 1        | ok 1 again  | acme 5 in 2
  11 | transfer t1 bank > acme 1 linked | chain_mismatch |
     | transfer t2 bank > acme 1 linked | chain_mismatch |
     | reserve r1 bank > acme 1         | chain_mismatch | acme 5 in 2
  11 | transfer t2 bank > acme 1        | ok 1        | acme 6 in 2
  11 | transfer t1 bank > acme 1        | overloaded  | acme 6 in 2`,
  },
  {
    name: 'what is older than the retention is forgotten, two outcomes and two reservations a command',
    limits: { windowMs: 10, retentionMs: 20 },
    table: `${START}
   1 | transfer t1 bank > acme 1     | ok 1           |
   1 | transfer t2 bank > acme 1     | ok 1           |
   1 | transfer t3 bank > acme 1     | ok 1           | acme 3
   1 | reserve r1 bank > acme 1      | ok 1           |
   1 | reserve r2 bank > acme 1      | ok 1           |
   1 | reserve r3 bank > acme 1      | ok 1           |
   1 | reserve r4 bank > acme 1      | ok 1           | acme 3 in 4
   2 | release x1 r2                 | ok 1           |
   2 | release x2 r1                 | ok 1           |
   2 | release x3 r3                 | ok 1           | acme 3 in 1
  20 | transfer t1 bank > acme 1     | ok 1 again     | acme 3 in 1
  21 | transfer t3 bank > acme 1     | ok 1 again     | acme 3 in 1
  21 | transfer t1 bank > acme 1     | ok 1           | acme 4 in 1; r2 released 1 released 1
  22 | open o1 ledger 1              | ok             | r2 unknown; r1 unknown; r3 released 1 released 1
  22 | reserve r2 bank > acme 1      | ok 1           | acme 4 in 2; r3 unknown
  99 | settle s4 r4                  | ok 1           | r4 settled 1 settled 1
  99 | settle s2 r2                  | ok 1           | acme 6`,
  },
  {
    name: 'a chain forgets as one command does, one without end too',
    limits: { windowMs: 10, retentionMs: 20 },
    table: `${START}
   1 | transfer t1 bank > acme 1        | ok 1           |
   1 | transfer t2 bank > acme 1        | ok 1           |
   1 | transfer t3 bank > acme 1        | ok 1           |
   1 | transfer t4 bank > acme 1        | ok 1           |
   1 | transfer t5 bank > acme 1        | ok 1           |
   1 | transfer t6 bank > acme 1        | ok 1           |
   1 | transfer t7 bank > acme 1        | ok 1           | acme 7
  21 | transfer u1 bank > acme 1 linked | malformed      |
     | transfer u2 bank > acme 1 linked | malformed      |
     | transfer u3 bank > acme 1 linked | malformed      | acme 7
  21 | transfer u1 bank > acme 1 linked | ok 1           |
     | transfer u2 bank > acme 1 linked | ok 1           |
     | transfer t4 bank > acme 1        | ok 1           | acme 10
  21 | transfer t7 bank > acme 1        | ok 1 again     | acme 10`,
  },
  {
    name: 'an id with a time is refused when it is ahead, or as old as what was forgotten',
    limits: { outcomesMax: 2, windowMs: 10, retentionMs: 1000 },
    table: `${START}
   1 | transfer @7:1 bank > acme 1   | id_in_future   | acme 0
   1 | transfer @6:1 bank > acme 1   | ok 1           | acme 1
   1 | reserve @-99:1 bank > acme 1  | ok 1           | acme 1 in 1
   1 | open @99:1 ledger 1           | ok             |
   2 | transfer t2 bank > acme 1     | ok 1           | acme 2 in 1
  11 | transfer t3 bank > acme 1     | ok 1           | acme 3 in 1
  12 | transfer @6:1 bank > acme 1   | id_too_old     | acme 3 in 1
  12 | transfer @6:2 bank > acme 1   | id_too_old     |
  12 | reserve @5:3 bank > acme 1    | id_too_old     |
  12 | open @5:4 ledger 1            | ok             |
  12 | reserve @-99:1 bank > acme 1  | ok 1 again     | acme 3 in 1
  12 | transfer @7:2 bank > acme 1   | ok 1           | acme 4 in 1`,
  },
  {
    name: 'a start may bring other limits into force',
    limits: { outcomesMax: 5, windowMs: 10, reservationsMax: 4 },
    table: `${START}
   1 | transfer t1 bank > acme 1     | ok 1           |
   1 | transfer t2 bank > acme 1     | ok 1           |
   1 | reserve r1 bank > acme 1      | ok 1           |
   1 | configure outcomesMax=2 reservationsMax=1 windowMs=10 | |
   1 | transfer t3 bank > acme 1     | overloaded     |
   1 | transfer t1 bank > acme 1     | ok 1 again     | acme 2 in 1
  11 | reserve r2 bank > acme 1      | reservations_full | acme 2 in 1
  11 | configure reservationsMax=2 windowMs=4 retentionMs=5 | |
  11 | transfer @14:1 bank > acme 1  | id_in_future   |
  11 | transfer @13:1 bank > acme 1  | ok 1           | acme 3 in 1
  11 | reserve r2 bank > acme 1      | ok 1           | acme 3 in 2`,
  },
]
