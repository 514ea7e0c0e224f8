// What can be asked of a running follower, where it listens, and asking it. The other end is control.ts.

import { connect } from 'node:net'
import { join, relative } from 'node:path'

/** Bytes of a request's line. */
export const REQUEST_BYTES_MAX = 4_096

/** Longest path of a Unix domain socket, in bytes: 108 with its end on Linux, 104 elsewhere. */
const PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103

/** A line to the follower. */
export interface ControlRequest {
  readonly request: 'status' | 'snapshot'
}

/** A line from it. */
export type ControlReply = { readonly reply: object } | { readonly error: string }

/** Whether a line of JSON is a request. */
export function isRequest(asked: unknown): asked is ControlRequest {
  const { request } = (asked ?? {}) as { request?: unknown }
  return request === 'status' || request === 'snapshot'
}

/** The follower could not do what it was asked for; its own words. */
export class FollowerRefused extends Error {
  override readonly name = 'FollowerRefused'
}

/**
 * Where the follower of `dataDir` listens: `follower.sock` in it, by whichever of its names is short
 * enough for a socket; undefined where none is.
 */
export function controlPath(dataDir: string): string | undefined {
  const path = join(dataDir, 'follower.sock')
  const names = [path, relative(process.cwd(), path)]
  return names.find((name) => name !== '' && Buffer.byteLength(name) <= PATH_BYTES_MAX)
}

/**
 * Asks the follower that listens at `path`, and waits for its answer however long it takes; undefined
 * where none listens. Rejects with `FollowerRefused`, also where the follower ends meanwhile.
 */
export function askFollower(
  path: string,
  request: ControlRequest['request'],
): Promise<object | undefined> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(path, () => socket.write(`${JSON.stringify({ request })}\n`))
    socket.setEncoding('utf8')
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
      else reject(error)
    })
    socket.on('data', (part: string) => {
      text += part
      const end = text.indexOf('\n')
      if (end < 0) return
      socket.destroy()
      const answer = JSON.parse(text.slice(0, end)) as ControlReply
      if ('error' in answer) reject(new FollowerRefused(answer.error))
      else resolve(answer.reply)
    })
    socket.on('close', () => reject(new FollowerRefused('the follower ended before it answered')))
  })
}
