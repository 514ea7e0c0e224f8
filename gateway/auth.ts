// Who may use the server: keys, and without keys nobody but this machine. Says nothing of what a
// key may do: for now every key may do everything.

import { hash, timingSafeEqual } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { Refusal } from './refusal.ts'

/** The server was to listen where others can reach it, and there is no key to keep them out. */
export class KeysRequired extends Error {
  override readonly name = 'KeysRequired'
  constructor(host: string) {
    super(
      `no keys are configured, so only a loopback address may be listened on, not ${host}: ` +
        'set keys = ["..."] in holdfast.toml or HOLDFAST_KEYS, or use --listen 127.0.0.1:7700',
    )
  }
}

/** The headers that decide who is asking. */
export interface Credentials {
  readonly authorization: string
  readonly host: string
  readonly origin: string
}

/** Whether only this machine can reach `host`. */
function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}

/** Throws `KeysRequired` where there are no keys and others than this machine can reach `host`. */
export function requireKeys(keys: readonly string[], host: string): void {
  if (keys.length === 0 && !isLoopback(host)) throw new KeysRequired(host)
}

/**
 * Checks requests against `keys`; throws `KeysRequired` where there are none and `host` is open.
 */
export function createAuth(
  keys: readonly string[],
  host: string,
): (credentials: Credentials) => Refusal | undefined {
  requireKeys(keys, host)
  const digests = keys.map((key) => hash('sha256', key, 'buffer'))
  return (credentials) =>
    originRefusal(credentials, digests.length === 0) ?? keyRefusal(credentials, digests)
}

/**
 * Web pages: a browser sends their requests to loopback addresses too, so a page of any site could
 * use a server without keys. Such a request has an Origin that is not the server's own; or, where
 * the page made its own name point here, a Host that is not this machine's.
 */
function originRefusal({ host, origin }: Credentials, isOpen: boolean): Refusal | undefined {
  if (origin !== '' && origin !== `http://${host}` && origin !== `https://${host}`) {
    return new Refusal('forbidden', 'Requests from web pages of another origin are not taken.')
  }
  if (isOpen && !isLoopback(host.replace(/:\d+$/, ''))) {
    return new Refusal(
      'forbidden',
      'Without keys only requests to a loopback name are taken, as in Host: 127.0.0.1.',
    )
  }
  return undefined
}

function keyRefusal(
  { authorization }: Credentials,
  digests: readonly Buffer[],
): Refusal | undefined {
  if (digests.length === 0) return undefined
  const key = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  if (key === undefined) {
    return new Refusal('unauthorized', 'Send Authorization: Bearer <key> with the request.')
  }
  const digest = hash('sha256', key, 'buffer')
  let isKnown = false
  // All of them, so that the time does not tell which one it was.
  for (const known of digests) if (timingSafeEqual(known, digest)) isKnown = true
  return isKnown ? undefined : new Refusal('unauthorized', 'The key is not known.')
}
