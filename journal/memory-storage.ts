// A storage in memory that can lose power. It keeps apart what programs see (the page cache) and
// what is on the media, for contents by sectors of 512 bytes and for names by operations.

import { type Storage, type StorageFile, storageError } from './storage.ts'

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512

/** One file's contents: `seen` by programs, `kept` by the media. */
interface Inode {
  seen: Uint8Array
  kept: Uint8Array
  /** Sectors that were written and not synced. */
  readonly dirty: Set<number>
}

/** A change of names that is not on the media yet. */
interface NameChange {
  readonly name: string
  readonly inode: Inode | undefined
  /** The name that goes away in the same step. */
  readonly from?: string
}

class MemoryFile implements StorageFile {
  readonly #inode: Inode
  readonly #writable: boolean
  readonly #isAlive: () => boolean
  #closed = false

  constructor(inode: Inode, writable: boolean, isAlive: () => boolean) {
    this.#inode = inode
    this.#writable = writable
    this.#isAlive = isAlive
  }

  size(): number {
    return this.#open().seen.length
  }

  read(target: Uint8Array, position: number): number {
    const seen = this.#open().seen
    const bytes = Math.max(0, Math.min(target.length, seen.length - position))
    target.set(seen.subarray(position, position + bytes))
    return bytes
  }

  write(source: Uint8Array, position: number): number {
    const inode = this.#open()
    if (!this.#writable) throw storageError('EBADF', 'the file is open for reading')
    if (source.length === 0) return 0
    const end = position + source.length
    if (end > inode.seen.length) inode.seen = resized(inode.seen, end)
    inode.seen.set(source, position)
    const last = Math.floor((end - 1) / SECTOR_BYTES)
    for (let s = Math.floor(position / SECTOR_BYTES); s <= last; s++) inode.dirty.add(s)
    return source.length
  }

  sync(): void {
    const inode = this.#open()
    inode.kept = resized(inode.kept, inode.seen.length)
    for (const sector of inode.dirty) copySector(inode.seen, inode.kept, sector)
    inode.dirty.clear()
  }

  close(): void {
    this.#open()
    this.#closed = true
  }

  #open(): Inode {
    if (this.#closed || !this.#isAlive()) throw storageError('EBADF', 'the file is closed')
    return this.#inode
  }
}

/** One directory in memory. */
export class MemoryStorage implements Storage {
  #seen = new Map<string, Inode>()
  #kept = new Map<string, Inode>()
  #changes: NameChange[] = []
  #boots = 0

  names(): string[] {
    return [...this.#seen.keys()].sort()
  }

  open(name: string, how: { readonly write: boolean }): StorageFile {
    return this.#file(this.#inode(name), how.write)
  }

  createTemporary(name: string): StorageFile {
    const inode = { seen: new Uint8Array(0), kept: new Uint8Array(0), dirty: new Set<number>() }
    this.#change({ name, inode })
    return this.#file(inode, true)
  }

  rename(from: string, to: string): void {
    const inode = this.#inode(from)
    if (from !== to) this.#change({ name: to, inode, from })
  }

  remove(name: string): void {
    this.#inode(name)
    this.#change({ name, inode: undefined })
  }

  syncDirectory(): void {
    for (const change of this.#changes) apply(this.#kept, change)
    this.#changes = []
  }

  /**
   * The power fails. Of the unsynced sectors those survive that `keep` picks, and of the unsynced
   * changes of names the first `namesKept`. Files that were open are open no more.
   */
  crash(keep: (sector: number) => boolean, namesKept = 0): void {
    for (const change of this.#changes.slice(0, namesKept)) apply(this.#kept, change)
    this.#changes = []
    this.#seen = new Map(this.#kept)
    this.#boots++
    for (const inode of new Set(this.#seen.values())) losePower(inode, keep)
  }

  /** Changes of names that a crash may lose. */
  get unsyncedNames(): number {
    return this.#changes.length
  }

  /** A file's contents, to be read and damaged on media and in the cache at once. */
  damage(name: string, change: (bytes: Uint8Array) => Uint8Array): void {
    const inode = this.#inode(name)
    inode.seen = change(inode.seen)
    inode.kept = inode.seen.slice()
    inode.dirty.clear()
  }

  /** A copy of a file's contents. */
  contents(name: string): Uint8Array {
    return this.#inode(name).seen.slice()
  }

  #inode(name: string): Inode {
    const inode = this.#seen.get(name)
    if (inode === undefined) throw storageError('ENOENT', `there is no file ${name}`)
    return inode
  }

  #file(inode: Inode, writable: boolean): StorageFile {
    const boot = this.#boots
    return new MemoryFile(inode, writable, () => boot === this.#boots)
  }

  #change(change: NameChange): void {
    apply(this.#seen, change)
    this.#changes.push(change)
  }
}

function apply(names: Map<string, Inode>, change: NameChange): void {
  if (change.from !== undefined) names.delete(change.from)
  if (change.inode === undefined) names.delete(change.name)
  else names.set(change.name, change.inode)
}

function losePower(inode: Inode, keep: (sector: number) => boolean): void {
  for (const sector of inode.dirty) {
    if (!keep(sector)) continue
    const end = Math.min((sector + 1) * SECTOR_BYTES, inode.seen.length)
    if (end > inode.kept.length) inode.kept = resized(inode.kept, end)
    copySector(inode.seen, inode.kept, sector)
  }
  inode.dirty.clear()
  inode.seen = inode.kept.slice()
}

function copySector(from: Uint8Array, to: Uint8Array, sector: number): void {
  const at = sector * SECTOR_BYTES
  to.set(from.subarray(at, at + SECTOR_BYTES), at)
}

function resized(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes
  const other = new Uint8Array(length)
  other.set(bytes.subarray(0, length))
  return other
}
