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

/** Seconds in `Retry-After` of every 503: the header knows nothing shorter. */
export const RETRY_AFTER_SECONDS = 1

/**
 * Connections that may be streams, of `CONNECTIONS_MAX`: the others are left to HTTP. Each may hold
 * half a message of `STREAM_PAYLOAD_BYTES_MAX`, so all of them 1 GiB at worst.
 */
export const STREAM_CONNECTIONS_MAX = 2_048

/** Unanswered commands and queries of one stream: 16 ms of work at a million a second. */
export const STREAM_WINDOW_COMMANDS = 16_384

/** Bytes of their records: 16,384 reserves under names of ordinary length. */
export const STREAM_WINDOW_BYTES = 2_097_152

/** What uWebSockets takes in as one message. Twice what is legal, for beyond it the connection is
 * cut before anybody could say 1009. */
export const STREAM_PAYLOAD_BYTES_MAX = 524_288

/** Worst case of the outcomes of all streams' records in flight: three quarters of the ring for
 * outcomes, so that requests over HTTP still find room beside busy streams. */
export const STREAM_IN_FLIGHT_BYTES = 6_291_456

/** Outcomes are gathered up to this and then sent as one message; a single longer one goes alone. */
export const STREAM_OUTCOMES_BYTES = 262_144

/** Bytes that a stream's client may leave unread before nothing more of it is taken in. */
export const STREAM_BACKLOG_BYTES = 1_048_576

/** Beyond this uWebSockets cuts the connection: twice `STREAM_BACKLOG_BYTES` and what can be in
 * flight then, which the other limits keep it from reaching. */
export const STREAM_BACKLOG_BYTES_MAX = 16_777_216

/** How long a stream's client may take nothing while something waits for it. */
export const STREAM_TAKE_DEADLINE_MS = 10_000

/** Seconds of silence after which a stream is cut; pings are sent before, and any client that is
 * there answers them. */
export const STREAM_IDLE_SECONDS = 32

/** Names messages of one stream that may wait behind its commands. */
export const STREAM_NAMES_WAITING_MAX = 64

/** First size of a stream's memory for outcomes: an idle one has none, a quiet one little. */
export const STREAM_OUTBOX_BYTES = 4_096

/** Pages of views that are read at one time, those that wait for `minSequence` among them. */
export const VIEW_REQUESTS_MAX = 1_024

/** How long a page may take, its wait for `minSequence` included; then `views_unavailable`. */
export const VIEW_DEADLINE_MS = 10_000

/** Clients of server-sent events, of `CONNECTIONS_MAX`. */
export const EVENT_CLIENTS_MAX = 1_024

/** How often the view is asked for new events while anybody listens. */
export const EVENT_POLL_MS = 100

/** New events that are kept for all clients: one that is further behind reads pages of its own. */
export const EVENT_TAIL_MAX = 4_096

/** Pages of events that are read at one time for clients that are behind. */
export const EVENT_READS_MAX = 4

/** Bytes that are handed to one client before it has taken them: its backlog. */
export const EVENT_CHUNK_BYTES = 65_536

/** How often a client of events that hears nothing is sent a comment: half of uWebSockets' patience. */
export const EVENT_HEARTBEAT_MS = 5_000

/** How long a client of events may take nothing while something waits for it. */
export const EVENT_TAKE_DEADLINE_MS = 10_000
