// Scenarios of groups: settled or released with one command, ledgers, and the tables' limits.

import type { Scenario } from '../support/contract.ts'

export const GROUPS: readonly Scenario[] = [
  {
    name: 'a group is settled with one command',
    table: `
  at | command                           | result                      | after
   0 | open bank ledger 1 external       | ok                          |
   0 | open acme ledger 1                | ok                          |
   0 | open shop ledger 1                | ok                          |
   0 | transfer t1 bank > acme 100       | ok 100                      |
   1 | reserve r1 acme > shop 10 group g | ok 10                       |
   1 | reserve r2 acme > shop 20 group g | ok 20                       |
   1 | reserve r3 acme > bank 30 group g | ok 30                       |
   1 | reserve r4 acme > bank 5          | ok 5                        | acme 100 held 65; shop 0 in 30
   2 | settle s1 r1 3 part               | ok 3                        | acme 97 held 62; shop 3 in 27
   2 | release x1 r2                     | ok 20                       | acme 97 held 42; shop 3 in 7
   3 | settlegroup G1 g                  | ok 37                       | acme 60 held 5; shop 10; bank -70 in 5
   3 | settlegroup G1 g                  | ok 37 again                 | r1 settled 10 settled 10
   3 | settlegroup G1 h                  | exists_with_different_group |
   3 | releasegroup G1 g                 | exists_with_different_type  |
   3 | settlegroup G2 g                  | group_not_found             | r3 settled 30 settled 30
   3 | settlegroup G3 h                  | group_not_found             |
   3 | settlegroup G4 nil                | malformed                   |`,
  },
  {
    name: 'a group is released with one command, and its name is free again',
    table: `
  at | command                           | result          | after
   0 | open bank ledger 1 external       | ok              |
   0 | open acme ledger 1                | ok              |
   0 | open euro ledger 2                | ok              |
   0 | open ebank ledger 2 external      | ok              |
   1 | reserve r1 bank > acme 10 group g | ok 10           |
   1 | reserve r2 ebank > euro 5 group g | ledgers_must_match |
   1 | reserve r3 bank > acme 7 group g  | ok 7            | bank 0 held 17; acme 0 in 17
   2 | freeze f1 bank                    | ok              |
   2 | releasegroup G1 g                 | ok 17           | bank 0 frozen; acme 0; r1 released 10 released 10
   2 | releasegroup G2 g                 | group_not_found |
   3 | reserve r4 ebank > euro 5 group g | ok 5            | ebank 0 held 5
   3 | releasegroup G1 g                 | ok 17 again     | ebank 0 held 5
   3 | settlegroup G3 g                  | ok 5            | ebank -5; euro 5`,
  },
  {
    name: 'groups and reservations have tables with limits',
    limits: { groupsMax: 2, reservationsMax: 3, windowMs: 10 },
    table: `
  at | command                           | result            | after
   0 | open bank ledger 1 external       | ok                |
   0 | open acme ledger 1                | ok                |
   1 | reserve r1 bank > acme 1 group g  | ok 1              |
   1 | reserve r2 bank > acme 2 group h  | ok 2              |
   1 | reserve r3 bank > acme 4 group i  | groups_full       | r3 unknown
   1 | reserve r3 bank > acme 4 group g  | ok 4              | bank 0 held 7
   1 | reserve r4 bank > acme 8          | reservations_full |
   1 | reserve r4 bank > acme 8 group i  | groups_full       |
   2 | release x1 r1                     | ok 1              | bank 0 held 6
   2 | reserve r4 bank > acme 8          | overloaded        | r4 unknown
  11 | reserve r4 bank > acme 8          | overloaded        | r1 released 1 released 1
  12 | reserve r4 bank > acme 8 group i  | groups_full       | r1 released 1 released 1
  12 | reserve r4 bank > acme 8          | ok 8              | bank 0 held 14; r1 unknown
  13 | settlegroup G1 g                  | ok 4              | bank -4 held 10
  23 | reserve r5 bank > acme 16 group i | ok 16             | bank -4 held 26; r3 unknown
  23 | settle s1 r3                      | reservation_not_found |`,
  },
]
