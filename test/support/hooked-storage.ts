// A storage that lets a test look in between a writer's steps: before and after every write, in two
// halves, and every sync. What it does to the files is the storage's below it.

import type { Storage, StorageFile } from '../../journal/index.ts'

/** `storage`, whose files call `look` around every step. */
export function hookedStorage(storage: Storage, look: (step: string) => void): Storage {
  const hooked = (file: StorageFile): StorageFile => ({
    size: () => file.size(),
    read: (target, position) => file.read(target, position),
    write(source, position) {
      look('before a write')
      // A short write: the rest comes with the next one.
      const half = source.length > 1_024 ? source.length >>> 1 : source.length
      const bytes = file.write(source.subarray(0, half), position)
      look('after a write')
      return bytes
    },
    sync() {
      look('before a sync')
      file.sync()
      look('after a sync')
    },
    close: () => file.close(),
  })
  return {
    names: () => storage.names(),
    open: (name, how) => hooked(storage.open(name, how)),
    createTemporary: (name) => hooked(storage.createTemporary(name)),
    rename(from, to) {
      storage.rename(from, to)
      look('after a rename')
    },
    remove: (name) => storage.remove(name),
    syncDirectory: () => storage.syncDirectory(),
  }
}
