// The storage that is a directory of the file system. Directories are 0700 and files 0600: a
// journal is nobody else's to read.

import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Storage, type StorageFile, storageError } from './storage.ts'

/**
 * Most bytes that one call reads or writes. Where the kernel is not preemptible, a call keeps its core to its end,
 * from threads of every priority: a MiB of new pages took 4 to 12 ms (virtual machine of two cores).
 */
const CALL_BYTES_MAX = 65_536

class DiskFile implements StorageFile {
  #descriptor: number

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  size(): number {
    return fstatSync(this.#open()).size
  }

  read(target: Uint8Array, position: number): number {
    return readSync(this.#open(), target, 0, Math.min(target.length, CALL_BYTES_MAX), position)
  }

  write(source: Uint8Array, position: number): number {
    return writeSync(this.#open(), source, 0, Math.min(source.length, CALL_BYTES_MAX), position)
  }

  sync(): void {
    fdatasyncSync(this.#open())
  }

  close(): void {
    const descriptor = this.#open()
    this.#descriptor = -1
    closeSync(descriptor)
  }

  /** The descriptor: its number may be another file's once this one is closed. */
  #open(): number {
    if (this.#descriptor < 0) throw storageError('EBADF', 'the file is closed')
    return this.#descriptor
  }
}

/** The files of one directory, which is made with the first file. */
export class FileStorage implements Storage {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = resolve(directory)
  }

  names(): string[] {
    try {
      return readdirSync(this.#directory).sort()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }

  open(name: string, how: { readonly write: boolean }): StorageFile {
    return new DiskFile(openSync(join(this.#directory, name), how.write ? 'r+' : 'r'))
  }

  createTemporary(name: string): StorageFile {
    const made = mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    // A directory is durable when the one that names it is synced, up to the first that was there.
    if (made !== undefined) {
      const top = dirname(resolve(made))
      let path = this.#directory
      while (path !== top) {
        path = dirname(path)
        syncPath(path)
      }
    }
    return new DiskFile(openSync(join(this.#directory, name), 'w+', 0o600))
  }

  rename(from: string, to: string): void {
    renameSync(join(this.#directory, from), join(this.#directory, to))
  }

  remove(name: string): void {
    unlinkSync(join(this.#directory, name))
  }

  syncDirectory(): void {
    syncPath(this.#directory)
  }
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
