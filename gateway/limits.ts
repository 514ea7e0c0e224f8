// The gateway's own limits, each with its reason. Limits that formats and other parts share are in
// protocol/limits.ts. uWebSockets adds its own, fixed in its binary: 4 KiB of headers, and 10 s
// for a connection that sends nothing or takes nothing.

/**
 * Open connections; the next one is closed at once. Each may hold a body, and costs a descriptor.
 */
export const CONNECTIONS_MAX = 4_096

/**
 * Commands and queries in flight in one gateway, a power of two: eight batches of the largest
 * size.
 */
export const PENDING_MAX = 65_536

/** Bytes that half-read bodies and waiting batches may take together; then `busy`. */
export const BUFFERED_BYTES_MAX = 268_435_456

/** A body larger than the limit is read on and thrown away up to here, so that its sender is still
 * there to read the refusal; beyond, the connection is closed with it. */
export const DISCARDED_BYTES_MAX = 16_777_216

/** How long a body may take to arrive: 4 MiB at 140 kB/s. */
export const BODY_DEADLINE_MS = 30_000

/** How long a reply may take: longer than a disk may stall. Then `outcome_unknown`. */
export const REPLY_DEADLINE_MS = 30_000

/** How long a batch waits for room in the rings; then what was not queued is `busy`. */
export const ROOM_DEADLINE_MS = 5_000

/** How often a waiting batch looks for room where no outcome tells it to. */
export const ROOM_POLL_MS = 10

/** Commands of an unlinked batch that are queued at once: others get their turn in between. */
export const PIECE_COMMANDS_MAX = 1_024

/** How long a drain waits for what is in flight; the whole shutdown has 5 s, sealing included. */
export const DRAIN_MS = 3_000

/** How long connections stay open after a drain, so that who sends on them hears `draining`. */
export const LINGER_MS = 100

/** Names of each of the two generations of the cache of hashed ids: 8 MB at worst for both. */
export const ID_CACHE_NAMES = 8_192

/** Seconds in `Retry-After` of every 503: the header knows nothing shorter. */
export const RETRY_AFTER_SECONDS = 1

/** Entries of metadata: the smallest ones, of which no more fit in 496 bytes. */
export const METADATA_ENTRIES_MAX = 99
