// What a start reserves and says of it, and that no start of a benchmark is left behind.

import { once } from 'node:events'
import t from 'tap'
import { runCommand, startServed, temporaryDirectory } from './support/command-line.ts'
import { spawnPlain } from './support/plain-process.ts'

/** Every step is a process of its own, and machines are slow at times. */
t.setTimeout(180_000)

t.test('the banner says what memory is reserved, and for what', async (t) => {
  const sizes = '--accounts-max 1000000 --reservations-max 4000000 --outcomes-max 4000000'
  const few = '--groups-max 4096 --account-name-bytes-max 8388608 --module-reply-bytes-max 8388608'
  const args = `${sizes} ${few} --follower false`.split(' ')
  const server = await startServed(temporaryDirectory(t), args)
  t.match(server.banner, /^memory {5}851\.6 MiB reserved for tables, 16\.\d MiB for rings$/m)
  t.match(
    server.banner,
    /^ {11}accounts 84\.0 MiB, their names 27\.1 MiB, reservations 427\.2 MiB,$/m,
  )
  t.match(
    server.banner,
    /^ {11}outcomes 244\.1 MiB, ids of both 61\.0 MiB, groups 160\.1 KiB, replies of modules 8\.0 MiB$/m,
  )
  t.equal((await server.stop()).exitCode, 0)
})

t.test('replies of modules have the room that the outcomes ask for', async (t) => {
  const bytesOf = async (...args: string[]): Promise<unknown> => {
    const { stdout } = await runCommand(['config', 'print', '--json', ...args])
    return JSON.parse(stdout).moduleReplyBytesMax
  }
  const scaled = { value: 64_000_000, source: 'default' }
  t.match(await bytesOf('--outcomes-max', '4000000'), scaled)
  const given = { value: 8_388_608, source: '--module-reply-bytes-max' }
  t.match(await bytesOf('--outcomes-max', '4000000', given.source, '8388608'), given)
})

t.test('what a benchmark started ends with it, also by kill -9', async (t) => {
  const guard = JSON.stringify(new URL('../bench/guard.js', import.meta.url).href)
  const script = `
    import { spawn } from 'node:child_process'
    import { guardProcess } from ${guard}
    for (const seconds of [0, 600]) {
      const child = spawn('sleep', [String(seconds)], { stdio: ['ignore', 'inherit', 'inherit'] })
      guardProcess(child)
      if (seconds === 0) await new Promise((resolve) => child.once('exit', resolve))
    }
    process.stdout.write('started\\n')`
  const command = [process.execPath, '--input-type=module', '-e', script]
  const bench = spawnPlain(command, { stdio: ['ignore', 'pipe', 'inherit'] })
  // The output ends when everybody who holds it has ended: the one that sleeps too.
  const closed = once(bench, 'close')
  await once(bench.stdout as NodeJS.ReadableStream, 'data')
  bench.kill('SIGKILL')
  t.same(await closed, [null, 'SIGKILL'])
})
