// The documents say what the program does: the README's curl lines print what the README shows, and
// every metric that the server has is in docs/metrics.md, and back.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { type ServedProcess, startServed, temporaryDirectory } from './support/command-line.ts'
import { DOCUMENTS_URL, type Example, examplesIn, masked } from './support/doc-examples.ts'

/** Every step is a process of its own, and machines are slow at times. */
t.setTimeout(180_000)

/**
 * A server, and what the commands print of it. While a reservation waits, the server may write a record of its
 * own between two commands, by where the time stands: then all sequences are others, and it begins anew.
 */
async function printedBy(
  t: Test,
  examples: readonly Example[],
): Promise<{ server: ServedProcess; outputs: string[] }> {
  const run = promisify(execFile)
  for (let tries = 0; tries < 5; tries++) {
    const server = await startServed(join(temporaryDirectory(t), 'data'))
    t.teardown(() => server.stop('SIGKILL'))
    const outputs: string[] = []
    for (const { command } of examples) {
      const line = command.replaceAll(DOCUMENTS_URL, server.url)
      outputs.push((await run('sh', ['-c', line])).stdout)
    }
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    if (/^holdfast_journal_ticks_total 0$/m.test(metrics)) return { server, outputs }
  }
  throw new Error('the server wrote a record of its own each time')
}

t.test('the README', async (t) => {
  const readme = readFileSync('README.md', 'utf8')
  const examples = examplesIn(readme)
  t.ok(examples.length >= 8, `${examples.length} examples`)
  for (const { command } of examples) t.match(command, /^curl -s /)
  const { server, outputs } = await printedBy(t, examples)
  for (const [n, { command, output }] of examples.entries()) {
    t.equal(masked(outputs[n] as string), masked(output), command)
  }
  const shown = /^serving +http:.*$/m.exec(readme)?.[0].replace(DOCUMENTS_URL, server.url)
  t.match(server.banner, String(shown), 'the banner has the address as shown')
  const digits = (text: string) => text.replaceAll(/[\d,.]+/g, 'N')
  for (const head of ['holdfast', 'data', 'limits', 'memory', 'recovered']) {
    const line = new RegExp(`^${head} .*$`, 'm')
    const inReadme = line.exec(readme)?.[0] ?? 'nothing'
    const printed = line.exec(server.banner)?.[0] ?? 'nothing'
    if (head === 'data') t.match(inReadme, /^data +\.\/data$/)
    else
      t.equal(digits(printed).replace(/[KMG]iB/g, 'B'), digits(inReadme).replace(/[KMG]iB/g, 'B'))
  }
})

t.test('the metrics', async (t) => {
  const server = await startServed(join(temporaryDirectory(t), 'data'))
  t.teardown(() => server.stop('SIGKILL'))
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const served = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => String(name)).sort()
  const page = readFileSync('docs/metrics.md', 'utf8')
  const documented = [...page.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => String(name)).sort()
  t.strictSame(documented, served)
})
