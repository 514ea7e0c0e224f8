// Scenarios of transfers: every guard in order of precedence, atMost, external accounts, overflow, and
// what a repeated id gets.

import type { Scenario } from '../support/contract.ts'

export const TRANSFERS: readonly Scenario[] = [
  {
    name: 'the guards of a transfer, lowest status first',
    table: `
  at | command                             | result                   | after
   0 | open bank ledger 1 external         | ok                       |
   0 | open acme ledger 1                  | ok                       |
   0 | open euro ledger 2                  | ok                       |
   0 | open shut ledger 2                  | ok                       |
   0 | close c1 shut                       | ok                       |
   0 | open gone ledger 1                  | ok                       |
   0 | close c2 gone                       | ok                       |
   0 | open cold ledger 1                  | ok                       |
   0 | freeze f1 cold                      | ok                       |
   1 | transfer a1 ghost > ghost 5         | accounts_must_differ     |
   1 | transfer a2 ghost > wraith 5        | debit_account_not_found  |
   1 | transfer a3 acme > wraith 5         | credit_account_not_found |
   1 | transfer a4 acme > euro 5           | ledgers_must_match       |
   1 | transfer a5 gone > shut 5           | ledgers_must_match       |
   1 | transfer a6 gone > cold 5           | debit_account_closed     |
   1 | transfer a7 cold > gone 5           | credit_account_closed    |
   1 | transfer a8 cold > acme 5           | account_frozen           |
   1 | transfer a9 acme > bank 5           | insufficient_funds       |
   1 | transfer b1 acme > bank 5 atmost    | insufficient_funds       |
   1 | transfer b2 bank > acme 2^51        | ok 2^51                  | bank -2^51; acme 2^51
   1 | transfer b3 bank > acme 1           | overflow                 |
   1 | transfer b4 bank > cold 1           | overflow                 | cold 0 frozen
   1 | transfer b5 acme > bank 2^51        | ok 2^51                  | bank 0; acme 0
   1 | transfer b6 acme > bank 0           | malformed                |
   1 | transfer b6 acme > bank -1          | malformed                |
   1 | transfer b6 acme > bank 2^51+1      | malformed                |
   1 | transfer b6 nil > bank 1            | malformed                |
   1 | transfer b6 bank > nil 1            | malformed                |
   1 | transfer nil bank > acme 1          | malformed                |
   1 | transfer b6 bank > acme 1 over      | malformed                |
   1 | transfer b6 bank > acme 1 dry       | malformed                |
   1 | transfer b6 bank > acme 1           | ok 1                     | bank -1; acme 1`,
  },
  {
    name: 'atMost takes what is there, and never nothing',
    table: `
  at | command                           | result                          | after
   0 | open bank ledger 1 external       | ok                              |
   0 | open acme ledger 1 limit 20       | ok                              |
   0 | transfer t1 bank > acme 100       | ok 100                          | acme 100 limit 20
   0 | reserve r1 acme > bank 50         | ok 50                           | acme 100 held 50 limit 20
   1 | transfer t2 acme > bank 30 atmost | ok 30                           | acme 70 held 50 limit 20
   1 | transfer t3 acme > bank 99 atmost | ok 40                           | acme 30 held 50 limit 20
   1 | transfer t4 acme > bank 1 atmost  | insufficient_funds              |
   1 | reserve r2 acme > bank 1 atmost   | insufficient_funds              |
   2 | transfer t3 acme > bank 99 atmost | ok 40 again #6                  | acme 30 held 50 limit 20
   2 | transfer t3 acme > bank 40 atmost | exists_with_different_amount    |
   2 | transfer t3 acme > bank 99        | exists_with_different_at_most   |
   2 | release x1 r1 5                   | ok 5                            | acme 30 held 45 limit 20
   2 | reserve r3 acme > bank 9 atmost   | ok 5                            | acme 30 held 50 limit 20; r3 held 5
   2 | reserve r3 acme > bank 9 atmost   | ok 5 again                      | acme 30 held 50 limit 20; r3 held 5
   2 | reserve r3 acme > bank 5 atmost   | exists_with_different_amount    |
   3 | transfer t5 bank > acme 7 atmost  | ok 7                            | acme 37 held 50 limit 20`,
  },
  {
    name: 'a repeated transfer changes nothing, and a changed one is named',
    table: `
  at | command                         | result                               | after
   0 | open bank ledger 1 external     | ok                                   |
   0 | open acme ledger 1              | ok                                   |
   0 | open shop ledger 1              | ok                                   |
   1 | transfer t1 bank > acme 10      | ok 10 #4                             | acme 10
   2 | transfer t1 bank > acme 10      | ok 10 again #4                       | acme 10
   2 | transfer t1 bank > acme 10      | ok 10 again #4                       | acme 10
     | transfer t1 bank > acme 10      | ok 10 again #4                       |
     | transfer t1 bank > acme 10      | ok 10 again #4                       | acme 10
   3 | reserve t1 bank > acme 10       | exists_with_different_type           |
   3 | transfer t1 shop > bank 11      | exists_with_different_debit_account  |
   3 | transfer t1 bank > shop 11      | exists_with_different_credit_account |
   3 | transfer t1 bank > acme 11      | exists_with_different_amount         |
   3 | transfer t1 bank > acme 10 atmost | exists_with_different_at_most      | acme 10; bank -10
   4 | transfer t2 acme > bank 11      | insufficient_funds #14               |
   4 | transfer t3 bank > acme 90      | ok 90                                | acme 100
   4 | transfer t2 acme > bank 11      | insufficient_funds again #14         | acme 100
   4 | transfer t2 acme > bank 12      | exists_with_different_amount         |
   5 | open t1 ledger 1                | ok                                   | t1 0
   5 | transfer acme bank > acme 1     | ok 1                                 | acme 101`,
  },
  {
    name: 'what is on its way counts towards the limits of both sides',
    table: `
  at | command                           | result             | after
   0 | open bank ledger 1 external       | ok                 |
   0 | open west ledger 1 external       | ok                 |
   0 | open acme ledger 1                | ok                 |
   0 | open shop ledger 1                | ok                 |
   1 | reserve r1 bank > acme 2^51-1     | ok 2^51-1          | bank 0 held 2^51-1; acme 0 in 2^51-1
   1 | reserve r2 bank > shop 2          | overflow           |
   1 | transfer t1 bank > shop 2         | overflow           |
   1 | transfer t2 west > acme 2         | overflow           |
   1 | transfer t3 west > acme 1         | ok 1               | acme 1 in 2^51-1
   1 | reserve r3 west > acme 1          | overflow           |
   1 | transfer t4 bank > shop 1         | ok 1               | bank -1 held 2^51-1
   1 | extend e1 r1 1                    | overflow           | r1 held 2^51-1
   2 | settle s1 r1                      | ok 2^51-1          | bank -2^51; acme 2^51
   2 | transfer t5 west > acme 1         | overflow           | acme 2^51`,
  },
  {
    name: 'an account holds 2^51 at most, however much is available',
    table: `
  at | command                            | result   | after
   0 | open bank ledger 1 external        | ok       |
   0 | open shop ledger 1                 | ok       |
   0 | open acme ledger 1 limit 2^51      | ok       |
   0 | transfer t1 bank > acme 2^51       | ok 2^51  | acme 2^51 limit 2^51
   1 | reserve r1 acme > bank 2^51-1      | ok 2^51-1 | acme 2^51 held 2^51-1 limit 2^51
   1 | reserve r2 acme > shop 2           | overflow | acme 2^51 held 2^51-1 limit 2^51; shop 0
   1 | reserve r3 acme > shop 1           | ok 1     | acme 2^51 held 2^51 limit 2^51; shop 0 in 1
   1 | extend e1 r3 1                     | overflow | r3 held 1
   2 | settle s1 r1                       | ok 2^51-1 | acme 1 held 1 limit 2^51
   2 | settle s2 r3                       | ok 1     | acme 0 limit 2^51; shop 1; bank -1`,
  },
  {
    name: 'a ledger holds 2^53-1 at most',
    table: `
  at | command                      | result      | after
   0 | open e1 ledger 1 external    | ok          |
   0 | open e2 ledger 1 external    | ok          |
   0 | open e3 ledger 1 external    | ok          |
   0 | open e4 ledger 1 external    | ok          |
   0 | open a1 ledger 1             | ok          |
   0 | open a2 ledger 1             | ok          |
   0 | open a3 ledger 1             | ok          |
   0 | open a4 ledger 1             | ok          |
   1 | reserve r1 e1 > a1 2^51      | ok 2^51     |
   1 | reserve r2 e2 > a2 2^51      | ok 2^51     |
   1 | reserve r3 e3 > a3 2^51      | ok 2^51     |
   1 | reserve r4 e4 > a4 2^51      | overflow    | e4 0
   1 | reserve r5 e4 > a4 2^51-1    | ok 2^51-1   | e4 0 held 2^51-1
   1 | extend x5 r5 1               | overflow    | r5 held 2^51-1
   2 | release y1 r1 1              | ok 1        | e1 0 held 2^51-1
   2 | extend x6 r5 1               | ok 1        | r5 held 2^51`,
  },
]
