// Scenarios of chains: all or nothing, who is named, and how a chain is known again.

import type { Scenario } from '../support/contract.ts'

const START = `
   0 | open bank ledger 1 external             | ok                           |
   0 | open acme ledger 1                      | ok                           |
   0 | transfer t0 bank > acme 100             | ok 100                       | acme 100`

export const CHAINS: readonly Scenario[] = [
  {
    name: 'a chain takes effect as a whole, each member seeing those before it',
    table: `${START}
   1 | open shop ledger 1 linked               | ok                           |
     | transfer t1 acme > shop 100 linked      | ok 100                       |
     | reserve r1 shop > bank 60 linked        | ok 60                        |
     | settle s1 r1 10 part linked             | ok 10                        |
     | transfer t2 shop > acme 40              | ok 40                        | acme 40; shop 50 held 50; bank -90 in 50
   2 | open shop ledger 1 linked               | ok again #4                  |
     | transfer t1 acme > shop 100 linked      | ok 100 again #5              |
     | reserve r1 shop > bank 60 linked        | ok 60 again #6               |
     | settle s1 r1 10 part linked             | ok 10 again #7               |
     | transfer t2 shop > acme 40              | ok 40 again #8               | acme 40; shop 50 held 50; bank -90 in 50
   3 | transfer t1 acme > shop 100             | exists_with_different_linked |
   3 | transfer t2 shop > acme 40              | exists_with_different_linked |
   3 | open shop ledger 1                      | exists_with_different_linked |
   3 | reserve r1 shop > bank 60               | exists_with_different_linked | acme 40`,
  },
  {
    name: 'the first that fails is named, the others fail with it, and nothing has happened',
    table: `${START}
   1 | open shop ledger 2 linked               | linked_failed                |
     | reserve r1 acme > bank 30 group g linked | linked_failed               |
     | extend e1 r1 5 linked                   | linked_failed                |
     | settlegroup G1 g linked                 | linked_failed                |
     | transfer t1 acme > bank 66 linked       | insufficient_funds           |
     | transfer t2 bank > acme 1               | linked_failed                | acme 100; shop none; r1 unknown; bank -100
   2 | reserve r1 acme > bank 30 group g       | exists_with_different_linked |
   2 | settlegroup G2 g                        | group_not_found              |
   2 | open shop ledger 2 linked               | linked_failed again #4       |
     | reserve r1 acme > bank 30 group g linked | linked_failed again #5      |
     | extend e1 r1 5 linked                   | linked_failed again #6       |
     | settlegroup G1 g linked                 | linked_failed again #7       |
     | transfer t1 acme > bank 66 linked       | insufficient_funds again #8  |
     | transfer t2 bank > acme 1               | linked_failed again #9       | acme 100; shop none; r1 unknown`,
  },
  {
    name: 'limits, freezes and closes of a failed chain are undone',
    table: `${START}
   0 | open shop ledger 1                      | ok                           |
   0 | reserve r1 acme > bank 10 time 50 group g | ok 10                      | acme 100 held 10
   1 | limit L1 acme 70 linked                 | linked_failed                |
     | freeze f1 acme linked                   | linked_failed                |
     | close c1 shop linked                    | linked_failed                |
     | extend e1 r1 time 9 linked              | linked_failed                |
     | settle s1 r1 4 part linked              | linked_failed                |
     | release x1 r1 linked                    | linked_failed                |
     | settle s2 r1                            | already_released             | acme 100 held 10; shop 0; r1 held 10 until 50
   2 | releasegroup G1 g                       | ok 10                        | acme 100; bank -100`,
  },
  {
    name: 'a group that ended in a failed chain is there again, though another took its place',
    table: `${START}
   0 | reserve r1 acme > bank 10 group g       | ok 10                        |
   1 | release x1 r1 linked                    | linked_failed                |
     | reserve r2 acme > bank 20 group h linked | linked_failed               |
     | settlegroup G1 i                        | group_not_found              | acme 100 held 10; r1 held 10
   2 | settlegroup G2 h                        | group_not_found              |
   2 | settlegroup G3 g                        | ok 10                        | acme 90; r1 settled 10 settled 10`,
  },
  {
    name: 'what a failed chain ended or put off still expires, when it was to',
    table: `${START}
   0 | reserve r1 acme > bank 10 time 20       | ok 10                        |
   0 | reserve r2 acme > bank 20 time 20       | ok 20                        |
   0 | reserve r3 acme > bank 30 time 30       | ok 30                        | acme 100 held 60
   1 | settle s1 r1 linked                     | linked_failed                |
     | release x2 r2 linked                    | linked_failed                |
     | extend e2 r3 time 90 linked             | linked_failed                |
     | settle s3 r1                            | already_settled              | acme 100 held 60; r3 held 30 until 30
  19 | tick                                    | ok                           | acme 100 held 60
  20 | tick                                    | ok                           | acme 100 held 30; r1 expired 10 released 10 until 20
  30 | settle s4 r3                            | already_expired              | acme 100; r2 expired 20 released 20 until 20`,
  },
  {
    name: 'accounts that a chain would have opened were opened by others',
    table: `${START}
   1 | open shop ledger 1 linked               | linked_failed                |
     | transfer t1 shop > bank 5               | insufficient_funds           | shop none
   2 | open shop ledger 1 linked               | ok                           |
     | transfer t2 acme > shop 5               | ok 5                         | shop 5
   3 | open shop ledger 1 linked               | linked_failed again #4       |
     | transfer t1 shop > bank 5               | insufficient_funds again #5  | shop 5
   4 | open club ledger 1 linked               | ok                           |
     | transfer t3 acme > club 5               | ok 5                         | club 5
   5 | open shop ledger 1 linked               | chain_mismatch               |
     | transfer t3 acme > club 5               | chain_mismatch               |
   5 | open cafe ledger 1 linked               | chain_mismatch               |
     | transfer t3 acme > club 5               | chain_mismatch               | cafe none; acme 90
   6 | open shop ledger 1 linked               | ok again #6                  |
     | transfer t2 acme > shop 5               | ok 5 again #7                | shop 5`,
  },
  {
    name: 'members that are known, malformed or doubled',
    table: `${START}
   1 | transfer a1 bank > acme 1 linked        | chain_mismatch               |
     | transfer t0 bank > acme 100             | chain_mismatch               | acme 100
   1 | transfer a1 bank > acme 1 linked        | linked_failed                |
     | transfer a2 bank > acme 0 linked        | malformed                    |
     | transfer a3 bank > acme 1               | linked_failed                | acme 100
   1 | transfer a1 bank > acme 1 linked        | chain_mismatch               |
     | transfer a1 bank > acme 1               | chain_mismatch               | acme 100
   1 | transfer a1 bank > acme 1 linked        | ok 1                         |
     | transfer a2 bank > acme 2               | ok 2                         | acme 103
   2 | transfer a2 bank > acme 2 linked        | exists_with_different_linked |
     | transfer a1 bank > acme 1               | linked_failed                | acme 103
   2 | transfer a1 bank > acme 1 linked        | linked_failed                |
     | transfer a2 bank > acme 3               | exists_with_different_amount | acme 103
   2 | transfer t0 bank > acme 100 linked      | exists_with_different_linked |
     | transfer a1 bank > acme 1               | linked_failed                | acme 103
   2 | open a1 ledger 1 linked                 | ok                           |
     | transfer a4 bank > a1 7                 | ok 7                         | a1 7
   3 | transfer a5 bank > acme 1 linked        | malformed                    |
     | transfer a6 bank > acme 1 linked        | malformed                    | acme 103
   3 | transfer a5 bank > acme 1               | ok 1                         | acme 104`,
  },
  {
    name: 'a refusal for room or for an id is not kept, and the chain may pass later',
    limits: { accountsMax: 3, outcomesMax: 3, windowMs: 10 },
    table: `${START}
   1 | open shop ledger 1 linked               | linked_failed                |
     | open club ledger 1 linked               | accounts_full                |
     | transfer a1 bank > shop 1               | linked_failed                | shop none
   1 | open shop ledger 1 linked               | ok                           |
     | transfer a1 bank > shop 1               | ok 1                         | shop 1
   1 | transfer a2 bank > shop 1 linked        | overloaded                   |
     | transfer a3 bank > shop 1               | linked_failed                | shop 1
   1 | transfer a2 bank > shop 1 linked        | linked_failed                |
     | transfer @7:1 bank > shop 1             | id_in_future                 | shop 1
   1 | transfer @6:1 bank > shop 1             | ok 1                         | shop 2
  10 | transfer a2 bank > shop 1 linked        | overloaded                   |
     | transfer a3 bank > shop 1               | linked_failed                | shop 2
  11 | transfer a2 bank > shop 1 linked        | ok 1                         |
     | transfer a3 bank > shop 1               | ok 1                         | shop 4
  21 | transfer a5 bank > shop 1 linked        | ok 1                         |
     | transfer a6 bank > shop 1               | ok 1                         | shop 6
  21 | transfer @6:2 bank > shop 1 linked      | id_too_old                   |
     | transfer a7 bank > shop 1               | linked_failed                | shop 6`,
  },
]
