// Scenarios of reservations: reserve, settle in parts and above, release, extend, and their guards.

import type { Scenario } from '../support/contract.ts'

export const RESERVATIONS: readonly Scenario[] = [
  {
    name: 'the guards of a reserve, lowest status first',
    table: `
  at | command                              | result                   | after
   0 | open bank ledger 1 external          | ok                       |
   0 | open acme ledger 1                   | ok                       |
   0 | open euro ledger 2                   | ok                       |
   0 | open ebank ledger 2 external         | ok                       |
   0 | open gone ledger 1                   | ok                       |
   0 | close c1 gone                        | ok                       |
   0 | open shut ledger 1                   | ok                       |
   0 | close c2 shut                        | ok                       |
   0 | open cold ledger 1                   | ok                       |
   0 | freeze f1 cold                       | ok                       |
   1 | reserve a1 ghost > ghost 5           | accounts_must_differ     |
   1 | reserve a2 ghost > wraith 5          | debit_account_not_found  |
   1 | reserve a3 acme > wraith 5           | credit_account_not_found |
   1 | reserve a4 acme > euro 5             | ledgers_must_match       |
   1 | reserve g1 ebank > euro 5 group g    | ok 5                     |
   1 | reserve a5 gone > shut 5 group g     | ledgers_must_match       |
   1 | reserve a6 gone > shut 5             | debit_account_closed     |
   1 | reserve a7 cold > shut 5             | credit_account_closed    |
   1 | reserve a8 cold > acme 5             | account_frozen           |
   1 | reserve a9 acme > bank 5             | insufficient_funds       |
   1 | transfer t1 bank > acme 10           | ok 10                    | acme 10
   2 | reserve b1 acme > bank 0             | malformed                |
   2 | reserve b1 acme > bank 2^51+1        | malformed                |
   2 | reserve b1 acme > bank 5 time -1     | malformed                |
   2 | reserve b1 acme > bank 5 time 315360000001 | malformed          |
   2 | reserve b1 nil > bank 5              | malformed                |
   2 | reserve b1 acme > nil 5              | malformed                |
   2 | reserve b1 acme > bank 5 external    | malformed                | b1 unknown
   2 | reserve b1 acme > bank 5 time 315360000000 | ok 5               | b1 held 5 until 315360000002
   3 | reserve b2 acme > bank 6             | insufficient_funds       | acme 10 held 5
   3 | reserve b3 acme > bank 5             | ok 5                     | acme 10 held 10
   3 | reserve b4 acme > bank 1             | insufficient_funds       | acme 10 held 10; bank -10 in 10`,
  },
  {
    name: 'a time past the latest one is an overflow',
    table: `
  at | command                                         | result   | after
   139037488355300 | open bank ledger 1 external        | ok       |
   139037488355300 | open acme ledger 1                 | ok       |
   139037488355300 | reserve r0 bank > acme 5           | ok 5     | r0 held 5
   139037488355300 | reserve r1 bank > acme 5 time 28   | ok 5     | r1 held 5 until 139037488355328
   139037488355300 | reserve r2 bank > acme 5 time 29   | overflow | r2 unknown
   139037488355300 | extend e1 r1 time 1                | overflow | r1 held 5 until 139037488355328`,
  },
  {
    name: 'a settle takes part or all, and gives the rest back unless it is not final',
    table: `
  at | command                          | result                        | after
   0 | open bank ledger 1 external      | ok                            |
   0 | open acme ledger 1               | ok                            |
   0 | transfer t1 bank > acme 100      | ok 100                        | acme 100; bank -100
   1 | reserve r1 acme > bank 60        | ok 60                         | acme 100 held 60; bank -100 in 60
   1 | settle s1 r1 40                  | ok 40                         | acme 60; bank -60; r1 settled 60 settled 40 released 20
   1 | settle s2 r1                     | already_settled               | r1 settled 60 settled 40 released 20
   1 | release x1 r1                    | already_settled               |
   1 | extend e1 r1 5                   | already_settled               |
   2 | reserve r2 acme > bank 50        | ok 50                         | acme 60 held 50; bank -60 in 50
   2 | settle s3 r2 10 part             | ok 10                         | acme 50 held 40; bank -50 in 40; r2 held 50 settled 10
   2 | settle s4 r2 0 part              | ok                            | acme 50 held 40; r2 held 50 settled 10
   2 | settle s5 r2 41                  | exceeds_reservation           | acme 50 held 40; r2 held 50 settled 10
   2 | release x2 r2 15                 | ok 15                         | acme 50 held 25; bank -50 in 25; r2 held 50 settled 10 released 15
   2 | release x3 r2 26                 | exceeds_reservation           |
   2 | settle s6 r2 25 part             | ok 25                         | acme 25; bank -25; r2 settled 50 settled 35 released 15
   3 | reserve r3 acme > bank 20        | ok 20                         | acme 25 held 20; bank -25 in 20
   3 | settle s7 r3 0                   | ok                            | acme 25; bank -25; r3 settled 20 released 20
   4 | reserve r4 acme > bank 20        | ok 20                         | acme 25 held 20; bank -25 in 20
   4 | release x4 r4 5                  | ok 5                          | acme 25 held 15; r4 held 20 released 5
   4 | release x5 r4                    | ok 15                         | acme 25; bank -25; r4 released 20 released 20
   4 | settle s8 r4                     | already_released              |
   4 | release x6 r4                    | already_released              | r4 released 20 released 20
   5 | reserve r5 acme > bank 25        | ok 25                         | acme 25 held 25
   5 | settle s9 r5 part                | ok 25                         | acme 0; bank 0; r5 settled 25 settled 25
   6 | settle n1 nowhere                | reservation_not_found         |
   6 | settle n2 s9                     | reservation_not_found         |
   6 | reserve d1 acme > bank 1         | insufficient_funds            |
   6 | settle n3 d1                     | reservation_not_found         | d1 unknown
   6 | release n4 t1                    | reservation_not_found         |
   6 | extend n5 bank 5                 | reservation_not_found         |
   7 | settle m1 nil                    | malformed                     |
   7 | settle m1 r5 -1                  | malformed                     |
   7 | settle m1 r5 2^51+1              | malformed                     |
   7 | release m1 r5 0                  | malformed                     |
   7 | release m1 nil                   | malformed                     |
   7 | extend m1 r5                     | malformed                     |
   7 | extend m1 nil 5                  | malformed                     |
   7 | extend m1 r5 5 atmost            | malformed                     | acme 0; bank 0`,
  },
  {
    name: 'a settle above the remainder draws on what is available',
    table: `
  at | command                          | result                        | after
   0 | open bank ledger 1 external      | ok                            |
   0 | open acme ledger 1 limit 10      | ok                            |
   0 | open rich ledger 1               | ok                            |
   0 | open west ledger 1 external      | ok                            |
   0 | transfer t1 bank > acme 50       | ok 50                         | acme 50 limit 10
   1 | reserve r1 acme > bank 30 over   | ok 30                         | acme 50 held 30 limit 10
   1 | reserve r2 acme > bank 20        | ok 20                         | acme 50 held 50 limit 10
   1 | settle s1 r2 21                  | exceeds_reservation           | r2 held 20
   1 | settle s2 r1 41                  | insufficient_funds            | acme 50 held 50 limit 10; r1 held 30
   1 | settle s3 r1 20 part             | ok 20                         | acme 30 held 30 limit 10; r1 held 30 settled 20
   1 | settle s4 r1 21                  | insufficient_funds            |
   1 | settle s5 r1 20 part             | ok 20                         | acme 10 held 20 limit 10; r1 settled 30 settled 40
   1 | release x1 r1                    | already_settled               |
   1 | release x2 r2 21                 | exceeds_reservation           | bank -10 in 20
   2 | reserve r3 bank > rich 5 over    | ok 5                          | rich 0 in 5
   2 | settle s6 r3 2^51-10             | ok 2^51-10                    | rich 2^51-10; r3 settled 5 settled 2^51-10
   2 | reserve r4 rich > bank 5 over    | ok 5                          | rich 2^51-10 held 5
   2 | release x3 r4                    | ok 5                          |
   2 | transfer t2 rich > bank 20       | ok 20                         | rich 2^51-30
   2 | reserve r5 west > rich 5 over    | ok 5                          | rich 2^51-30 in 5
   2 | reserve r6 west > rich 2         | ok 2                          | rich 2^51-30 in 7
   2 | settle s7 r5 29                  | overflow                      | rich 2^51-30 in 7
   2 | settle s8 r5 28                  | ok 28                         | rich 2^51-2 in 2
   2 | settle s8 r5 28                  | ok 28 again                    | r5 settled 5 settled 28`,
  },
  {
    name: 'an extend adds amount, time or both',
    table: `
  at | command                          | result                | after
   0 | open bank ledger 1 external      | ok                    |
   0 | open acme ledger 1               | ok                    |
   0 | transfer t1 bank > acme 100      | ok 100                | acme 100
   1 | reserve r1 acme > bank 40 time 9 | ok 40                 | acme 100 held 40; r1 held 40 until 10
   1 | reserve r2 acme > bank 10        | ok 10                 | acme 100 held 50; r2 held 10
   2 | extend e1 r1 20                  | ok 20                 | acme 100 held 70; r1 held 60 until 10; bank -100 in 70
   2 | extend e2 r1 time 5              | ok                    | acme 100 held 70; r1 held 60 until 15
   2 | extend e3 r1 10 time 5           | ok 10                 | acme 100 held 80; r1 held 70 until 20
   2 | extend e4 r2 time 5              | no_timeout            | r2 held 10
   2 | extend e5 r2 5 time 5            | no_timeout            | r2 held 10
   2 | extend e6 r2 20                  | ok 20                 | acme 100 held 100; r2 held 30
   2 | extend e7 r2 1                   | insufficient_funds    | acme 100 held 100; r2 held 30
   2 | extend e7 r2 2                   | exists_with_different_amount |
   2 | extend e1 r2 20                  | exists_with_different_reservation |
   2 | extend e1 r1 21                  | exists_with_different_amount |
   2 | extend e2 r1 time 6              | exists_with_different_timeout_ms |
   2 | release e1 r1 20                 | exists_with_different_type |
   2 | extend e1 r1 20                  | ok 20 again #6        | r1 held 70 until 20
   3 | extend e8 r1 time 315359999984   | overflow              | r1 held 70 until 20
   3 | extend e9 r1 time 315359999983   | ok                    | r1 held 70 until 315360000003
   4 | release x1 r1 70                 | ok 70                 | r1 released 70 released 70 until 315360000003
   4 | extend f1 r1 5                   | already_released      |
   4 | extend f2 r2 -1                  | malformed             |
   4 | extend f2 r2 5 time -1           | malformed             |
   4 | extend f2 r2 2^51                | insufficient_funds    | acme 100 held 30`,
  },
  {
    name: 'a reservation is of 2^51 at most in all, however often it is extended',
    table: `
  at | command                      | result    | after
   0 | open bank ledger 1 external  | ok        |
   0 | open acme ledger 1           | ok        |
   0 | transfer t1 bank > acme 2^51 | ok 2^51   |
   1 | reserve r1 acme > bank 2^51-9 | ok 2^51-9 |
   1 | settle s1 r1 2^51-20 part    | ok 2^51-20 | acme 20 held 11; r1 held 2^51-9 settled 2^51-20
   1 | extend e1 r1 9               | ok 9      | acme 20 held 20; r1 held 2^51 settled 2^51-20
   1 | transfer t2 bank > acme 100  | ok 100    | acme 120 held 20
   1 | extend e2 r1 1               | overflow  | acme 120 held 20; r1 held 2^51 settled 2^51-20
   1 | settle s2 r1                 | ok 20     | acme 100; r1 settled 2^51 settled 2^51`,
  },
  {
    name: 'a repeated reserve or settle is known by every field',
    table: `
  at | command                                              | result                               | after
   0 | open bank ledger 1 external                          | ok                                   |
   0 | open acme ledger 1                                   | ok                                   |
   0 | open shop ledger 1                                   | ok                                   |
   0 | transfer t1 bank > acme 100                          | ok 100                               |
   1 | reserve r1 acme > bank 40 time 9 group g metadata x  | ok 40 #5                             | acme 100 held 40
   1 | transfer r1 acme > bank 40                           | exists_with_different_type           |
   1 | reserve r1 shop > acme 41 time 9 group h metadata x  | exists_with_different_debit_account  |
   1 | reserve r1 acme > shop 41 time 9 group h metadata x  | exists_with_different_credit_account |
   1 | reserve r1 acme > bank 41 time 9 group h metadata x  | exists_with_different_group          |
   1 | reserve r1 acme > bank 41 time 9 metadata x          | exists_with_different_group          |
   1 | reserve r1 acme > bank 41 time 8 group g metadata x  | exists_with_different_amount         |
   1 | reserve r1 acme > bank 40 time 8 group g over        | exists_with_different_timeout_ms     |
   1 | reserve r1 acme > bank 40 time 9 group g over atmost | exists_with_different_allow_over     |
   1 | reserve r1 acme > bank 40 time 9 group g atmost      | exists_with_different_at_most        |
   1 | reserve r1 acme > bank 40 time 9 group g metadata y  | exists_with_different_metadata       |
   1 | reserve r1 acme > bank 40 time 9 group g             | exists_with_different_metadata       | acme 100 held 40
   1 | reserve r1 acme > bank 40 time 9 group g metadata x  | ok 40 again #5                       | acme 100 held 40
   2 | settle s1 r1 15 part                                 | ok 15                                | acme 85 held 25
   2 | settle s1 r1 15 part                                 | ok 15 again #18                      | acme 85 held 25
   2 | settle s1 acme 15 part                               | exists_with_different_reservation    |
   2 | settle s1 r1 16                                      | exists_with_different_amount         |
   2 | settle s1 r1 part                                    | exists_with_different_amount         |
   2 | settle s1 r1 15                                      | exists_with_different_final          |
   2 | release s1 r1 15                                     | exists_with_different_type           |
   2 | settle r1 r1 15                                      | exists_with_different_type           | acme 85 held 25
   3 | release x1 r1                                        | ok 25                                | acme 85
   3 | release x1 r1                                        | ok 25 again                          | acme 85
   3 | release x1 r1 25                                     | exists_with_different_amount         |
   3 | release x1 acme                                      | exists_with_different_reservation    |
   3 | reserve r1 acme > bank 40 time 9 group g metadata x  | ok 40 again #5                       | r1 released 40 settled 15 released 25 until 10
   4 | settle s2 r1                                         | already_released                     |
   4 | settle s2 r1 0                                       | exists_with_different_amount         |
   4 | settle s2 r1                                         | already_released again               | acme 85; bank -85`,
  },
]
