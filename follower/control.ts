// The follower's ear: a Unix domain socket in the data directory that answers lines of JSON. For the
// same user alone: the directory and the socket are closed to others. What is asked is in requests.ts.

import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { type ControlReply, isRequest, REQUEST_BYTES_MAX } from './requests.ts'

/** Callers that are heard at once. */
const CONNECTIONS_MAX = 16

/** What answers. */
export interface ControlAnswers {
  status(): object
  snapshot(): Promise<object>
}

/** A socket that is listened on. */
export interface Control {
  close(): void
}

/**
 * Listens at `path`; for the one that holds the follower's lock, for it takes the place of a socket
 * that an earlier one left. Rejects with the system's error.
 */
export async function listenForControl(path: string, answers: ControlAnswers): Promise<Control> {
  rmSync(path, { force: true })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A caller that is gone, in whatever way, is no longer answered.
    socket.on('error', () => {})
    hear(socket, answers).catch(() => socket.destroy())
  })
  server.maxConnections = CONNECTIONS_MAX
  await listening(server, path)
  chmodSync(path, 0o600)
  return {
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      // A connection that cannot be taken is the caller's to notice.
      server.on('error', () => {})
      resolve()
    })
  })
}

/**
 * Answers each line of one caller, in order of arrival: one at a time, and nothing more is read while it
 * waits for its answer or for the caller to take it. What a caller has ahead stays with the system.
 */
async function hear(socket: Socket, answers: ControlAnswers): Promise<void> {
  let text = ''
  socket.setEncoding('utf8')
  for await (const part of socket as AsyncIterable<string>) {
    text += part
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end)
      text = text.slice(end + 1)
      await send(socket, await answer(line, answers))
    }
    // Leaving hangs up.
    if (text.length > REQUEST_BYTES_MAX) return
  }
}

/** Resolves when the system has it; rejects where the caller is gone. */
function send(socket: Socket, reply: ControlReply): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(`${JSON.stringify(reply)}\n`, (error) => (error ? reject(error) : resolve()))
  })
}

async function answer(line: string, answers: ControlAnswers): Promise<ControlReply> {
  try {
    const asked: unknown = JSON.parse(line)
    if (!isRequest(asked)) return { error: 'a request is {"request": "status"} or "snapshot"' }
    return { reply: asked.request === 'status' ? answers.status() : await answers.snapshot() }
  } catch (error) {
    if (error instanceof SyntaxError) return { error: 'a line of JSON was expected' }
    return { error: error instanceof Error ? error.message : String(error) }
  }
}
