// Two directories read as one: the journal, and the archive that its older segments were moved to. For
// readers alone: nothing is written, and a file may be moved from one to the other meanwhile.

import { type Storage, type StorageFile, storageError } from './storage.ts'

/** See the head of this file. Where both have a name, the first one's file is taken. */
export class JoinedStorage implements Storage {
  readonly #first: Storage
  readonly #second: Storage

  constructor(first: Storage, second: Storage) {
    this.#first = first
    this.#second = second
  }

  names(): string[] {
    // Files move from the first to the second: in this order none is missed.
    const first = this.#first.names()
    return [...new Set([...first, ...this.#second.names()])].sort()
  }

  open(name: string, how: { readonly write: boolean }): StorageFile {
    if (how.write) throw readOnly(name)
    try {
      return this.#first.open(name, how)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return this.#second.open(name, how)
    }
  }

  createTemporary(name: string): StorageFile {
    throw readOnly(name)
  }

  rename(from: string, _to: string): void {
    throw readOnly(from)
  }

  remove(name: string): void {
    throw readOnly(name)
  }

  syncDirectory(): void {}
}

function readOnly(name: string): Error {
  return storageError('EROFS', `${name} is joined from two directories, for reading alone`)
}
