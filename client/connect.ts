// `connect`: a client of a server's stream.

import { setTimeout as delay } from 'node:timers/promises'
import { checkFlag, checkInteger, checkNames } from './checks.ts'
import { HoldfastUnreachable } from './errors.ts'
import { Front } from './front.ts'
import type { FrontOptions, Holdfast } from './holdfast.ts'
import { SocketCarrier } from './socket-carrier.ts'

/** How long `connect` goes on trying, in ms. */
const CONNECT_MS = 10_000

/** How to reach the server. */
export interface ConnectOptions extends FrontOptions {
  /** The bearer key, where the server has keys configured. */
  readonly key?: string
  /** How long to go on until the first connection stands; 10,000 ms where not given. */
  readonly connectTimeoutMs?: number
  /** Connect again by itself; true where not given. Without, the first loss ends the client. */
  readonly reconnect?: boolean
}

const OPTIONS = ['key', 'connectTimeoutMs', 'reconnect', 'timeoutMs', 'retryMs', 'onWait']

const PROTOCOLS: Readonly<Record<string, string>> = {
  'ws:': 'ws:',
  'wss:': 'wss:',
  'http:': 'ws:',
  'https:': 'wss:',
}

/**
 * Connects to the server at `url` (`ws://127.0.0.1:7700`; http addresses will do). Resolves when the
 * server has said what it grants, and from then on the client connects again by itself. Rejects with
 * `HoldfastUnreachable` where no connection comes about, or none that makes sense, and with `TypeError`.
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Holdfast> {
  checkNames(options, OPTIONS)
  const { key, connectTimeoutMs = CONNECT_MS, reconnect = true, ...rest } = options
  checkInteger(connectTimeoutMs, 'connectTimeoutMs', 1, 2_147_483_647, -1)
  if (key !== undefined && (typeof key !== 'string' || !/^[\x21-\x7e]+$/.test(key))) {
    throw new TypeError('key must be a string of printable ASCII without spaces.')
  }
  checkFlag(reconnect, 'reconnect', -1)
  const address = streamUrl(url)
  const front = new Front(new SocketCarrier({ url: address, key, reconnect }), rest)
  const given = new AbortController()
  const late = delay(connectTimeoutMs, 'late', { signal: given.signal }).catch(() => 'late')
  try {
    if ((await Promise.race([front.opened, late])) !== 'late') return front
    const { reason } = front.status()
    throw new HoldfastUnreachable(
      address,
      reason,
      `no connection within ${connectTimeoutMs} ms (${reason}): start the server with ` +
        '`holdfast serve`, or give the address that it printed',
    )
  } catch (error) {
    await front.close()
    throw error
  } finally {
    given.abort()
  }
}

/** The address of the stream of the server at `url`. */
function streamUrl(url: string): string {
  if (typeof url !== 'string' || !URL.canParse(url)) {
    throw new TypeError('url must be an address such as ws://127.0.0.1:7700.')
  }
  const parsed = new URL(url)
  const protocol = PROTOCOLS[parsed.protocol]
  if (protocol === undefined) {
    throw new TypeError(`url must begin with ws: or wss:, not ${parsed.protocol}`)
  }
  const path = parsed.pathname.replace(/\/+$/, '').replace(/\/v1\/stream$/, '')
  return `${protocol}//${parsed.host}${path}/v1/stream`
}
