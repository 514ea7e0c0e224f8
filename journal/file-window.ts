// A stretch of a file in memory, read ahead. Frames are checked here, before anybody is given them.

import { allocateWords, type Words } from '../protocol/index.ts'
import { readAll, type StorageFile } from './storage.ts'

/** A window of a fixed size that moves over one file. */
export class FileWindow {
  readonly words: Words
  readonly #file: StorageFile
  #from = 0
  #bytes = 0

  constructor(file: StorageFile, bytes: number) {
    this.#file = file
    this.words = allocateWords(bytes)
  }

  /**
   * Where in `words` the file's bytes from `position` lie, after reading them where needed, or -1
   * where the file ends before `position + bytes`. `bytes` is at most the window's size.
   */
  hold(position: number, bytes: number): number {
    if (position < this.#from || position + bytes > this.#from + this.#bytes) {
      this.#from = position
      this.#bytes = readAll(this.#file, this.words.u8, position)
      if (this.#bytes < bytes) return -1
    }
    return position - this.#from
  }

  /** Has the next `hold` read again: somebody may have written meanwhile. */
  forget(): void {
    this.#bytes = 0
  }
}
