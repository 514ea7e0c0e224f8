// A port for a server that is killed and started again at the same address.

import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A port that nobody listens on, below those that systems give to outgoing connections: one that is
 * tried while nobody listens might otherwise be given the very port, and connect to itself.
 */
export async function freePort(): Promise<number> {
  for (let port = 20_000 + (process.pid % 8_000); ; port++) {
    const server = createServer().listen(port, '127.0.0.1')
    const [error] = await Promise.race([once(server, 'listening'), once(server, 'error')])
    server.close()
    if (error === undefined) return port
  }
}
