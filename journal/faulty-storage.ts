// A storage that fails on purpose: it passes calls on to another one and breaks those that its plan
// names. For tests and simulations; nothing that runs in production makes one.

import { type Storage, type StorageFile, storageError } from './storage.ts'

/** The calls that can be made to fail. */
export type FaultyCall = 'read' | 'write' | 'sync' | 'create' | 'rename' | 'syncDirectory'

/** One fault: which call, the how many-eth of its kind (from 1), and what goes wrong. */
export interface Fault {
  readonly call: FaultyCall
  readonly nth: number
  /** The error's code, thrown instead of the call. */
  readonly code?: 'EIO' | 'ENOSPC' | 'EROFS' | 'EFBIG' | 'EDQUOT'
  /**
   * For `write` and `read`: only this many bytes are passed on; with a `code`, before it is thrown.
   */
  readonly bytes?: number
  /** Every later call of the kind fails too, not this one alone. */
  readonly lasting?: boolean
}

class FaultyFile implements StorageFile {
  readonly #inner: StorageFile
  readonly #faults: (call: FaultyCall) => Fault | undefined

  constructor(inner: StorageFile, faults: (call: FaultyCall) => Fault | undefined) {
    this.#inner = inner
    this.#faults = faults
  }

  size(): number {
    return this.#inner.size()
  }

  read(target: Uint8Array, position: number): number {
    const fault = this.#faults('read')
    if (fault?.code !== undefined) throw storageError(fault.code, 'injected into a read')
    return this.#inner.read(target.subarray(0, fault?.bytes ?? target.length), position)
  }

  write(source: Uint8Array, position: number): number {
    const fault = this.#faults('write')
    if (fault === undefined) return this.#inner.write(source, position)
    const bytes = fault.bytes ?? 0
    const taken = bytes > 0 ? this.#inner.write(source.subarray(0, bytes), position) : 0
    if (fault.code !== undefined) throw storageError(fault.code, 'injected into a write')
    return taken
  }

  sync(): void {
    const fault = this.#faults('sync')
    // What was written stays unsynced below, and a crash may lose any of it.
    if (fault !== undefined) throw storageError(fault.code ?? 'EIO', 'injected into a sync')
    this.#inner.sync()
  }

  close(): void {
    this.#inner.close()
  }
}

/** `inner`, with `faults`. Calls are counted over all files together. */
export class FaultyStorage implements Storage {
  /** How often each call was made, those that failed included. */
  readonly calls: Record<FaultyCall, number> = {
    read: 0,
    write: 0,
    sync: 0,
    create: 0,
    rename: 0,
    syncDirectory: 0,
  }
  readonly #inner: Storage
  #faults: readonly Fault[]

  constructor(inner: Storage, faults: readonly Fault[] = []) {
    this.#inner = inner
    this.#faults = faults
  }

  /** Puts another plan in force; its counts begin with the next call. */
  plan(faults: readonly Fault[]): void {
    for (const call of Object.keys(this.calls)) this.calls[call as FaultyCall] = 0
    this.#faults = faults
  }

  names(): string[] {
    return this.#inner.names()
  }

  open(name: string, how: { readonly write: boolean }): StorageFile {
    return this.#file(this.#inner.open(name, how))
  }

  createTemporary(name: string): StorageFile {
    this.#fail('create')
    return this.#file(this.#inner.createTemporary(name))
  }

  rename(from: string, to: string): void {
    this.#fail('rename')
    this.#inner.rename(from, to)
  }

  remove(name: string): void {
    this.#inner.remove(name)
  }

  syncDirectory(): void {
    this.#fail('syncDirectory')
    this.#inner.syncDirectory()
  }

  #file(inner: StorageFile): StorageFile {
    return new FaultyFile(inner, (call) => this.#next(call))
  }

  #fail(call: FaultyCall): void {
    const fault = this.#next(call)
    if (fault !== undefined) throw storageError(fault.code ?? 'EIO', `injected into ${call}`)
  }

  #next(call: FaultyCall): Fault | undefined {
    const nth = ++this.calls[call]
    return this.#faults.find(
      (fault) =>
        fault.call === call && (fault.nth === nth || (fault.lasting === true && fault.nth < nth)),
    )
  }
}
