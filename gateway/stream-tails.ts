// A check of a record's tail as a stream's client wrote it. Tails end up in the journal, in replies
// as JSON and in names that everybody sees, so what lies there must be what encode.ts would write.

import {
  canonicalMetadata,
  ID_BYTES,
  ID_BYTES_MAX,
  idFault,
  idFromText,
  KIND,
  METADATA_BYTES_MAX,
  metadataHash,
  RECORD,
  readTailEntry,
  readUtf8,
  recordBytes,
  TAIL_HEAD_BYTES,
  TAIL_TAG,
  type Words,
} from '../protocol/index.ts'

/**
 * Whether the record at `at`, which `holdsRecord` accepted and which has a tail of `tailBytes`, may be
 * journaled with it: entries in order of their tags, each at most once, texts that are UTF-8 within
 * their limits, the id's spelling the account's own where it becomes the account's name.
 */
export function isTailLegal(words: Words, at: number, tailBytes: number): boolean {
  const { u8 } = words
  const end = at + recordBytes(words, at)
  let entry = end - tailBytes
  let last: number = TAIL_TAG.end
  while (entry + TAIL_HEAD_BYTES <= end) {
    const tag = u8[entry] as number
    if (tag === TAIL_TAG.end) break
    const bytes = (u8[entry + 2] as number) + (u8[entry + 3] as number) * 256
    const textAt = entry + TAIL_HEAD_BYTES
    if (tag <= last || tag > TAIL_TAG.group || u8[entry + 1] !== 0) return false
    if (bytes === 0 || textAt + bytes > end) return false
    if (!isEntryLegal(words, at, tag, textAt, bytes)) return false
    last = tag
    entry = textAt + bytes
  }
  return isPadding(u8, entry, end)
}

/** The rest of a tail: fewer than 8 zeros. */
function isPadding(u8: Uint8Array, from: number, end: number): boolean {
  if (end - from >= 8) return false
  for (let i = from; i < end; i++) if (u8[i] !== 0) return false
  return true
}

function isEntryLegal(
  words: Words,
  at: number,
  tag: number,
  textAt: number,
  bytes: number,
): boolean {
  const kind = words.u8[at] as number
  if (tag === TAIL_TAG.metadata) {
    const mayHaveMetadata = kind === KIND.openAccount || kind === KIND.reserve
    return mayHaveMetadata && bytes <= METADATA_BYTES_MAX && isMetadata(words, at, textAt, bytes)
  }
  if (tag === TAIL_TAG.group && kind !== KIND.reserve) return false
  if (bytes > ID_BYTES_MAX || !isUtf8(words.u8, textAt, bytes)) return false
  return tag !== TAIL_TAG.id || kind !== KIND.openAccount || isOwnName(words, at)
}

/** ASCII, as most names are, is known without decoding. */
function isUtf8(u8: Uint8Array, from: number, bytes: number): boolean {
  for (let i = from; i < from + bytes; i++) {
    if ((u8[i] as number) >= 0x80) return readUtf8(u8, from, from + bytes) !== undefined
  }
  return true
}

/** An account is shown to everybody under this name, so it has to be the name of these 128 bits. */
function isOwnName(words: Words, at: number): boolean {
  const { u8 } = words
  const tailBytes = words.u16[(at + RECORD.tailBytes) >>> 1] as number
  const tailAt = at + recordBytes(words, at) - tailBytes
  const name = readTailEntry(u8, tailAt, tailBytes, TAIL_TAG.id)
  if (name === undefined || idFault(name) !== undefined) return false
  const id = idFromText(name)
  for (let i = 0; i < ID_BYTES; i++) if (u8[at + RECORD.id + i] !== id[i]) return false
  return true
}

/** Canonical JSON of strings by name, with the hash that the head has. */
function isMetadata(words: Words, at: number, textAt: number, bytes: number): boolean {
  const text = readUtf8(words.u8, textAt, textAt + bytes)
  if (text === undefined) return false
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return false
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  if (!Object.values(value).every((one) => typeof one === 'string')) return false
  if (canonicalMetadata(value as Readonly<Record<string, string>>) !== text) return false
  return metadataHash(text) === words.u32[(at + RECORD.metadataHash) >>> 2]
}
