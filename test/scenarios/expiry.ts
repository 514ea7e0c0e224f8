// Scenarios of expiry: exactly when, in which order, and what a command of the same instant sees.

import type { Scenario } from '../support/contract.ts'

export const EXPIRY: readonly Scenario[] = [
  {
    name: 'a reservation due at 10 is there at 9 and gone before the first command of 10',
    table: `
  at | command                           | result             | after
   0 | open bank ledger 1 external       | ok                 |
   0 | open acme ledger 1                | ok                 |
   0 | transfer t1 bank > acme 100       | ok 100             |
   0 | reserve r1 acme > bank 100 time 10 | ok 100            | acme 100 held 100; r1 held 100 until 10
   9 | reserve r2 acme > bank 1          | insufficient_funds | acme 100 held 100; r1 held 100 until 10
  10 | reserve r3 acme > bank 100        | ok 100             | acme 100 held 100; r1 expired 100 released 100 until 10
     | settle s1 r1 5                    | already_expired    |
     | release x1 r1                     | already_expired    |
     | extend e1 r1 time 5               | already_expired    | bank -100 in 100`,
  },
  {
    name: 'a settle at 9 is in time, at 10 and 11 it is late',
    table: `
  at | command                             | result          | after
   0 | open bank ledger 1 external         | ok              |
   0 | open acme ledger 1                  | ok              |
   0 | transfer t1 bank > acme 90          | ok 90           |
   0 | reserve r1 acme > bank 30 time 10   | ok 30           |
   0 | reserve r2 acme > bank 30 time 10   | ok 30           |
   0 | reserve r3 acme > bank 30 time 10   | ok 30           | acme 90 held 90
   9 | settle s1 r1                        | ok 30           | acme 60 held 60; r1 settled 30 settled 30 until 10
   9 | settle s2 r2 10 part                | ok 10           | acme 50 held 50; r2 held 30 settled 10 until 10
   9 | extend e3 r3 time 1                 | ok              | r3 held 30 until 11
  10 | settle s3 r2                        | already_expired | acme 50 held 30; r2 expired 30 settled 10 released 20 until 10
  11 | settle s4 r3                        | already_expired | acme 50; r3 expired 30 released 30 until 11
  11 | settle s1 r1                        | ok 30 again     | acme 50; bank -50`,
  },
  {
    name: 'a tick is enough, a frame without records is not',
    table: `
  at | command                             | result | after
   0 | open bank ledger 1 external         | ok     |
   0 | open acme ledger 1                  | ok     |
   0 | reserve r1 bank > acme 30 time 10   | ok 30  | bank 0 held 30; acme 0 in 30
   9 | tick                                | ok     | bank 0 held 30; r1 held 30 until 10
  12 | seal                                |        | bank 0 held 30; r1 held 30 until 10
  12 | tick                                | ok     | bank 0; acme 0; r1 expired 30 released 30 until 10`,
  },
  {
    name: 'the shortest and the longest timeout',
    table: `
  at | command                                       | result          | after
   0 | open bank ledger 1 external                   | ok              |
   0 | open acme ledger 1                            | ok              |
   0 | reserve r1 bank > acme 1 time 1               | ok 1            |
     | reserve r2 bank > acme 2 time 315360000000    | ok 2            |
     | reserve r3 bank > acme 4                      | ok 4            | bank 0 held 7
   1 | tick                                          | ok              | bank 0 held 6; r1 expired 1 released 1 until 1
   315359999999 | tick                               | ok              | bank 0 held 6
   315360000000 | release x2 r2                      | already_expired | bank 0 held 4; r3 held 4
   999999999999 | settle s3 r3                       | ok 4            | bank -4; acme 4`,
  },
  {
    name: 'an extend moves the due time, once',
    table: `
  at | command                             | result          | after
   0 | open bank ledger 1 external         | ok              |
   0 | open acme ledger 1                  | ok              |
   0 | reserve r1 bank > acme 30 time 10   | ok 30           |
   9 | extend e1 r1 time 100               | ok              | r1 held 30 until 110
   9 | extend e1 r1 time 100               | ok again        | r1 held 30 until 110
  10 | tick                                | ok              | r1 held 30 until 110
 109 | extend e2 r1 5                      | ok 5            | r1 held 35 until 110
 110 | extend e3 r1 time 1                 | already_expired | bank 0; acme 0; r1 expired 35 released 35 until 110`,
  },
  {
    name: 'what expired leaves its group, and the group goes with the last',
    table: `
  at | command                                   | result          | after
   0 | open bank ledger 1 external               | ok              |
   0 | open acme ledger 1                        | ok              |
   0 | reserve r1 bank > acme 30 time 10 group g | ok 30           |
   0 | reserve r2 bank > acme 40 time 20 group g | ok 40           | bank 0 held 70
  10 | settlegroup G1 g                          | ok 40           | bank -40; r1 expired 30 released 30 until 10
  11 | reserve r3 bank > acme 50 time 10 group h | ok 50           |
  21 | releasegroup G2 h                         | group_not_found | bank -40; acme 40`,
  },
]
