// What the journal needs of a disk: one flat directory of files, without paths. The implementations
// are in file-, memory- and faulty-storage.ts; test/journal-storage.test.ts holds them to this
// text.

import { constants } from 'node:os'

/** An open file. Errors carry `code` as Node's do (`ENOSPC`, `EIO`, `EBADF` after `close`). */
export interface StorageFile {
  /** Length in bytes. */
  size(): number
  /**
   * Reads up to `target.length` bytes from `position`; gives back how many, 0 at the file's end.
   */
  read(target: Uint8Array, position: number): number
  /** Writes from `position` on; gives back how many bytes were taken, which may be fewer. */
  write(source: Uint8Array, position: number): number
  /**
   * fdatasync: returns when all that was written is on the media. Never call it again if it threw.
   */
  sync(): void
  close(): void
}

/** A directory. Names are durable after `syncDirectory`, contents after the file's `sync`. */
export interface Storage {
  /** Names of all files, sorted; none where the directory does not exist. */
  names(): string[]
  /** Opens an existing file; throws `ENOENT` where there is none. */
  open(name: string, how: { readonly write: boolean }): StorageFile
  /** Makes an empty file, in place of one that has the name, open for reading and writing. */
  createTemporary(name: string): StorageFile
  /** Gives a file another name, in place of one that has it already. */
  rename(from: string, to: string): void
  /** Throws `ENOENT` where there is no such file. */
  remove(name: string): void
  syncDirectory(): void
}

/** An error as the operating system's, for storages that have none below them. */
export function storageError(code: string, sentence: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: ${sentence}`)
  error.code = code
  error.errno = -(constants.errno[code as keyof typeof constants.errno] ?? 0)
  return error
}

/** Writes all of `source`, however short the single writes are. */
export function writeAll(file: StorageFile, source: Uint8Array, position: number): void {
  let done = file.write(source, position)
  while (done < source.length) {
    const bytes = file.write(source.subarray(done), position + done)
    // A disk that takes nothing and says nothing would be asked for ever.
    if (bytes === 0) throw storageError('EIO', 'a write took no bytes')
    done += bytes
  }
}

/** Reads until `target` is full or the file ends; gives back how many bytes. */
export function readAll(file: StorageFile, target: Uint8Array, position: number): number {
  let done = 0
  while (done < target.length) {
    const bytes = file.read(done === 0 ? target : target.subarray(done), position + done)
    if (bytes === 0) break
    done += bytes
  }
  return done
}
