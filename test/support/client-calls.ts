// Calls that tests of the client make again and again.

import { type Command, newId } from '../../client/index.ts'

/** A transfer of 1 from bank to acme. */
export const MOVE = { debitAccount: 'bank', creditAccount: 'acme', amount: 1 }

/** As many of them, each under a UUIDv7. */
export function transfers(count: number): Command[] {
  return Array.from({ length: count }, () => ({ type: 'transfer', id: newId(), ...MOVE }))
}

/** The error that a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error('it was fulfilled'),
    (error: Error) => error,
  )
}
