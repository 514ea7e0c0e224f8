// What Biome and tsc do not see: folder arrows, determinism, lengths, documents in step with the code.
// Run by `npm run check`; tidy.test.ts shows that each rule bites.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { tidyDocs, tidyLinks } from './support/tidy-docs.ts'
import { ARROWS, type Finding, type Source, tidySource } from './support/tidy-source.ts'

/** uWebSockets' objects that one file of the gateway alone may touch: a wrong touch ends the process. */
const GUARDED_TYPES: Readonly<Record<string, RegExp>> = {
  HttpResponse: /\bHttpResponse\b/,
  WebSocket: /\bWebSocket</,
}

/** All breaches in the repository at `root`. */
export function tidy(root: string): Finding[] {
  const sources = Object.keys(ARROWS).flatMap((folder) => sourcesIn(root, folder))
  const documents = ['README.md', 'CHANGELOG.md', ...filesIn(root, 'docs', '.md')]
  return [
    ...sources.flatMap(tidySource),
    ...tidySockets(sources),
    ...tidyDocs(root),
    ...documents.flatMap((path) => tidyLinks(root, sourceAt(root, path))),
  ]
}

/** Exactly one file of the gateway names each of uWebSockets' objects. */
export function tidySockets(sources: readonly Source[]): Finding[] {
  return Object.entries(GUARDED_TYPES).flatMap(([name, pattern]) => {
    const users = sources.filter(
      ({ path, text }) => path.startsWith('gateway/') && pattern.test(withoutComments(text)),
    )
    if (users.length === 1) return []
    const rule = `exactly one file of gateway/ touches ${name}, not ${users.length}`
    const places = users.length === 0 ? ['gateway/index.ts'] : users.map(({ path }) => path)
    return places.map((file) => ({ file, line: 1, rule }))
  })
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
}

function sourcesIn(root: string, folder: string): Source[] {
  return filesIn(root, folder, '.ts').map((path) => sourceAt(root, path))
}

function sourceAt(root: string, path: string): Source {
  return { path, text: readFileSync(join(root, path), 'utf8') }
}

function filesIn(root: string, folder: string, end: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .sort()
}

/** A finding as one line that editors can follow. */
export function format({ file, line, rule }: Finding): string {
  return `${file}:${line}: ${rule}`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const findings = tidy(process.cwd())
  for (const finding of findings) process.stderr.write(`${format(finding)}\n`)
  if (findings.length === 0) process.stdout.write('tidy\n')
  else process.exitCode = 1
}
