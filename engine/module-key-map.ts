// A Map of many keys without its pauses: V8 moves all entries of a Map at once when it grows, and when
// it sweeps out deleted ones, which takes 0.1 s for a million. Here they lie in 64 Maps, each of which
// moves a 64th, and not all of them at one moment. Has no order: what needs one keeps it elsewhere.

import type { Value } from './module.ts'

const PARTS = 64
const SHIFT = 26
const GOLDEN = 0x9e3779b1 | 0

/** See the head of this file. */
export class KeyMap<K extends Value, V> {
  readonly #parts: readonly Map<K, V>[] = Array.from({ length: PARTS }, () => new Map())
  #size = 0

  get size(): number {
    return this.#size
  }

  has(key: K): boolean {
    return this.#partOf(key).has(key)
  }

  get(key: K): V | undefined {
    return this.#partOf(key).get(key)
  }

  set(key: K, value: V): void {
    const part = this.#partOf(key)
    this.#size -= part.size
    part.set(key, value)
    this.#size += part.size
  }

  delete(key: K): void {
    if (this.#partOf(key).delete(key)) this.#size--
  }

  #partOf(key: K): Map<K, V> {
    let hash = 0
    if (typeof key === 'string') {
      for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0
    } else {
      hash = Number(key) | 0
    }
    return this.#parts[Math.imul(hash, GOLDEN) >>> SHIFT] as Map<K, V>
  }
}
