// Scenarios of accounts: opening, credit limits, freezing, closing, and the limits of their tables.

import type { Scenario } from '../support/contract.ts'

export const ACCOUNTS: readonly Scenario[] = [
  {
    name: 'an account is opened once',
    table: `
  at | command                                       | result                               | after
   0 | open bank ledger 1 external history           | ok #1                                | bank 0
   1 | open acme ledger 1 limit 50 metadata gold     | ok                                   | acme 0 limit 50
   2 | open acme ledger 1 limit 50 metadata gold     | ok again #2                          | acme 0 limit 50
   3 | open acme ledger 2 external history limit 5   | exists_with_different_ledger         |
   3 | open acme ledger 1 external history limit 5   | exists_with_different_external       |
   3 | open acme ledger 1 history limit 5            | exists_with_different_history        |
   3 | open acme ledger 1 limit 5                    | exists_with_different_credit_limit   |
   3 | open acme ledger 1 limit 50                   | exists_with_different_metadata       |
   3 | open acme ledger 1 limit 50 metadata silver   | exists_with_different_metadata       | acme 0 limit 50
   4 | limit L1 acme 70                              | ok                                   | acme 0 limit 70
   5 | open acme ledger 1 limit 50 metadata gold     | ok again #2                          | acme 0 limit 70
   6 | open nil ledger 1                             | malformed                            |
   6 | open zero ledger 0                            | malformed                            | zero none
   6 | open high ledger 2^32-1 limit 2^51            | ok                                   | high 0 limit 2^51
   6 | open over ledger 1 limit 2^51+1               | malformed                            | over none
   6 | open less ledger 1 limit -1                   | malformed                            | less none
   6 | open odd ledger 1 atmost                      | malformed                            | odd none
   6 | open dry ledger 1 dry                         | malformed                            | dry none`,
  },
  {
    name: 'a credit limit lets an account go below 0, and cannot be less than what is in use',
    table: `
  at | command                        | result             | after
   0 | open bank ledger 1 external    | ok                 |
   0 | open acme ledger 1             | ok                 |
   1 | limit L0 nobody 100            | account_not_found  |
   1 | limit L1 acme 100              | ok                 | acme 0 limit 100
   2 | transfer t1 acme > bank 101    | insufficient_funds | acme 0 limit 100
   2 | transfer t2 acme > bank 40     | ok 40              | acme -40 limit 100; bank 40
   2 | reserve r1 acme > bank 60      | ok 60              | acme -40 held 60 limit 100
   2 | reserve r2 acme > bank 1       | insufficient_funds |
   3 | limit L2 acme 99               | limit_in_use       | acme -40 held 60 limit 100
   3 | release x1 r1                  | ok 60              | acme -40 limit 100
   3 | limit L3 acme 40               | ok                 | acme -40 limit 40
   3 | limit L2 acme 99               | limit_in_use again #9 |
   4 | limit L4 bank 0                | ok                 | bank 40
   4 | limit L5 acme -1               | malformed          |
   4 | limit L5 acme 2^51+1           | malformed          |
   4 | limit L5 nil 5                 | malformed          |
   4 | limit L1 bank 100              | exists_with_different_account |
   4 | limit L1 acme 101              | exists_with_different_value   |
   4 | freeze L1 acme                 | exists_with_different_type    |
   5 | limit L1 acme 100              | ok again #4        | acme -40 limit 40
   6 | transfer t3 bank > acme 40     | ok 40              | acme 0 limit 40
   6 | close c1 acme                  | ok                 | acme 0 limit 40 closed
   6 | limit L6 acme 50               | account_closed     | acme 0 limit 40 closed`,
  },
  {
    name: 'freezing stops new debits only',
    table: `
  at | command                          | result                      | after
   0 | open bank ledger 1 external      | ok                          |
   0 | open acme ledger 1               | ok                          |
   1 | transfer t1 bank > acme 100      | ok 100                      | acme 100
   1 | reserve r1 acme > bank 30 time 9 | ok 30                       | acme 100 held 30
   1 | reserve r2 acme > bank 30        | ok 30                       | acme 100 held 60
   1 | reserve r3 acme > bank 5 over    | ok 5                        | acme 100 held 65
   2 | freeze f0 nobody                 | account_not_found           |
   2 | freeze f1 acme                   | ok                          | acme 100 held 65 frozen
   2 | freeze f2 acme                   | ok                          | acme 100 held 65 frozen
   3 | transfer t2 acme > bank 1        | account_frozen              |
   3 | transfer t3 acme > bank 2^51     | account_frozen              |
   3 | reserve r4 acme > bank 1         | account_frozen              |
   3 | extend e1 r1 1                   | account_frozen              |
   3 | settle s0 r3 6                   | account_frozen              | r3 held 5
   4 | extend e2 r1 time 5              | ok                          | r1 held 30 until 15
   4 | transfer t4 bank > acme 10       | ok 10                       | acme 110 held 65 frozen
   4 | settle s1 r1 20                  | ok 20                       | acme 90 held 35 frozen
   4 | settle s2 r3                     | ok 5                        | acme 85 held 30 frozen
   4 | release x1 r2                    | ok 30                       | acme 85 frozen
   5 | unfreeze f1 acme                 | exists_with_different_value | acme 85 frozen
   5 | close f1 acme                    | exists_with_different_type  |
   5 | freeze f1 bank                   | exists_with_different_account |
   5 | unfreeze u1 acme                 | ok                          | acme 85
   5 | unfreeze u2 acme                 | ok                          | acme 85
   5 | freeze f1 acme                   | ok again #8                 | acme 85
   6 | transfer t2 acme > bank 1        | account_frozen again #10    | acme 85
   6 | transfer t5 acme > bank 85       | ok 85                       | acme 0
   7 | freeze f3 acme                   | ok                          | acme 0 frozen
   7 | close c1 acme                    | ok                          | acme 0 frozen closed
   7 | freeze f4 acme                   | account_closed              |
   7 | unfreeze u3 acme                 | account_closed              | acme 0 frozen closed
   7 | freeze f5 nil                    | malformed                   |`,
  },
  {
    name: 'an account closes when nothing is on it, on either side',
    table: `
  at | command                        | result                | after
   0 | open bank ledger 1 external    | ok                    |
   0 | open acme ledger 1             | ok                    |
   0 | open shop ledger 1             | ok                    |
   1 | close c0 nobody                | account_not_found     |
   1 | transfer t1 bank > acme 10     | ok 10                 | acme 10
   1 | close c1 acme                  | account_in_use        | acme 10
   1 | reserve r1 acme > shop 10      | ok 10                 | acme 10 held 10; shop 0 in 10
   1 | close c2 shop                  | account_in_use        | shop 0 in 10
   1 | transfer t2 bank > shop 5      | ok 5                  | shop 5 in 10
   1 | settle s1 r1 4                 | ok 4                  | acme 6; shop 9
   1 | transfer t3 shop > bank 9      | ok 9                  | shop 0
   2 | close c2 shop                  | account_in_use again #8 | shop 0
   2 | close c3 shop                  | ok                    | shop 0 closed
   2 | close c4 shop                  | ok                    | shop 0 closed
   2 | transfer t4 acme > shop 1      | credit_account_closed | acme 6
   2 | reserve r2 acme > shop 1       | credit_account_closed | acme 6
   2 | transfer t5 shop > acme 1      | debit_account_closed  | acme 6
   2 | transfer t6 shop > shop 1      | accounts_must_differ  |
   2 | open shop ledger 1             | ok again #3           | shop 0 closed
   3 | transfer t7 acme > bank 6      | ok 6                  | acme 0
   3 | limit L1 acme 5                | ok                    | acme 0 limit 5
   3 | close c5 acme                  | ok                    | acme 0 limit 5 closed
   3 | transfer t8 acme > shop 1      | debit_account_closed  |
   3 | close c3 acme                  | exists_with_different_account |
   3 | limit c3 acme 5                | exists_with_different_type    |
   3 | close c9 nil                   | malformed             |`,
  },
  {
    name: 'the tables of accounts and of ledgers have limits, and a refusal for room is not kept',
    limits: { accountsMax: 4, ledgersMax: 2, accountNameBytesMax: 64 },
    table: `
  at | command                                        | result         | after
   0 | open a ledger 1                                | ok             |
   0 | open b ledger 2                                | ok             |
   0 | open c ledger 3                                | ledgers_full   | c none
   0 | configure accountsMax=2                        |                |
   0 | open c ledger 3                                | accounts_full  | c none
   0 | configure accountsMax=4                        |                |
   1 | open c ledger 2 metadata *40                | accounts_full  | c none
   1 | open c ledger 2 metadata *31                | ok             | c 0
   1 | open d ledger 1                                | ok             | d 0
   1 | open e ledger 1                                | accounts_full  | e none
   1 | transfer x a > e 1                             | credit_account_not_found |`,
  },
]
