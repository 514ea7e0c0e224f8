// The `holdfast` command as benchmarks run it: a process of its own, with nothing of the environment
// that would configure it. It ends when the benchmark does.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { guardProcess } from './guard.ts'

const COMMAND = fileURLToPath(new URL('../cli/main.js', import.meta.url))

/** Of what a quiet server says, as much is kept. */
const SAID_CHARACTERS_MAX = 4_096

/** A server that serves. */
export interface ServerProcess {
  readonly url: string
  /** From the process's start until its banner said that it serves. */
  readonly seconds: number
  /** Ends it with SIGTERM; resolves when it has ended. */
  stop(): Promise<void>
  /** Ends it with SIGKILL, as a crash would; resolves when it has ended. */
  kill(): Promise<void>
}

/**
 * Starts `holdfast serve` on `dataDir`, on any free port. Rejects where it ends before it serves.
 * `isQuiet`: what it says on stderr is shown in that error alone.
 */
export async function startServerProcess(
  dataDir: string,
  args: readonly string[] = [],
  { isQuiet = false }: { readonly isQuiet?: boolean } = {},
): Promise<ServerProcess> {
  const startedMs = performance.now()
  const serve = ['serve', '--data-dir', dataDir, '--listen', '127.0.0.1:0', ...args]
  const child = spawnCommand(serve, isQuiet ? 'pipe' : 'inherit')
  const exited = once(child, 'exit')
  const url = await addressOf(child, exited)
  const seconds = (performance.now() - startedMs) / 1_000
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await exited
  }
  return { url, seconds, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

/** Runs a verb of the command with `--json`; gives back what it printed. Rejects where it failed. */
export async function runCommand(args: readonly string[]): Promise<Record<string, unknown>> {
  const child = spawnCommand([...args, '--json'])
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`holdfast ${args.join(' ')} ended with ${code}`)
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>
}

function spawnCommand(
  args: readonly string[],
  stderr: 'inherit' | 'pipe' = 'inherit',
): ChildProcess {
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_'))
  const child = spawn(process.execPath, [COMMAND, ...args], {
    env: Object.fromEntries(environment),
    stdio: ['ignore', 'pipe', stderr],
  })
  guardProcess(child)
  return child
}

/** The address in the banner: the server serves when it stands there. */
async function addressOf(child: ChildProcess, exited: Promise<unknown>): Promise<string> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const address = new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      const match = /\bhttp:\/\/\S+:\d+/.exec(line)
      if (match !== null) resolve(match[0])
    })
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-SAID_CHARACTERS_MAX)
  })
  const failed = exited.then(() => {
    throw new Error(`the server ended before it served${said === '' ? '' : `: ${said.trimEnd()}`}`)
  })
  return Promise.race([address, failed])
}
