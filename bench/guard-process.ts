// The guard's process: it is told of processes on its standard input, `+PID` when one was started and `-PID`
// when it has ended, and ends those that are left when the one that started them is gone, however it went.

import { createInterface } from 'node:readline'

// The terminal sends it to the whole group; what counts is the end of the input.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

const running = new Set<number>()
const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const pid = Number(line.slice(1))
  if (line.startsWith('+')) running.add(pid)
  else running.delete(pid)
})
lines.on('close', () => {
  for (const pid of running) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
})
