// Metadata as it is journaled: canonical JSON text, so that the same content has the same bytes and
// the same hash however its sender ordered it.

import { hash } from 'node:crypto'
import { isWellFormedText } from './ids.ts'
import { METADATA_BYTES_MAX } from './limits.ts'

/** Strings by name. */
export type Metadata = Readonly<Record<string, string>>

/** What the schema cannot see, or undefined. */
export function metadataFault(metadata: Metadata): string | undefined {
  for (const [name, value] of Object.entries(metadata)) {
    if (!isWellFormedText(name) || !isWellFormedText(value)) {
      return 'metadata has a lone surrogate, which is no text.'
    }
  }
  const bytes = Buffer.byteLength(canonicalMetadata(metadata))
  if (bytes > METADATA_BYTES_MAX) {
    return `metadata has ${bytes} bytes as JSON: ${METADATA_BYTES_MAX} at most.`
  }
  return undefined
}

/** JSON without spaces, names in order of their UTF-16 units (as RFC 8785); '' for none at all. */
export function canonicalMetadata(metadata: Metadata): string {
  const names = Object.keys(metadata).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  if (names.length === 0) return ''
  const entries = names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(metadata[name])}`)
  return `{${entries.join(',')}}`
}

/** The record's `metadataHash`: the first 32 bits of SHA-256 of the canonical text, 0 for none. */
export function metadataHash(canonical: string): number {
  return canonical === '' ? 0 : hash('sha256', canonical, 'buffer').readUInt32LE(0) || 1
}
