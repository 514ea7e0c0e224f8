// The tidy test's rules for documents: statuses and limits have their pages and the pages nothing
// else, links lead somewhere, the README holds the lines that it promises.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as limits from '../../protocol/limits.ts'
import { STATUSES } from '../../protocol/statuses.ts'
import type { Finding, Source } from './tidy-source.ts'

/** Lines that the README must hold as they stand. */
const README_LINES = ['npm ci && npm start', 'npm ci && npm test']

/** All breaches in the documents of the repository at `root`. */
export function tidyDocs(root: string): Finding[] {
  return [
    ...tidyStatuses(read(root, 'docs/statuses.md')),
    ...tidyLimits(read(root, 'docs/limits.md')),
    ...tidyReadme(read(root, 'README.md')),
  ]
}

function read(root: string, path: string): Source {
  const file = join(root, path)
  return { path, text: existsSync(file) ? readFileSync(file, 'utf8') : '' }
}

/** Every status has its section with the right facts, in order, and no section is of anything else. */
export function tidyStatuses({ path, text }: Source): Finding[] {
  const findings: Finding[] = []
  const lines = text.split('\n')
  const sections = lines.flatMap((line, i) => (line.startsWith('### ') ? [i] : []))
  const found = new Map(sections.map((i) => [(lines[i] as string).slice(4), i]))
  let previous = -1
  for (const { number, code, http, remembered } of STATUSES) {
    const i = found.get(code)
    found.delete(code)
    if (i === undefined) {
      findings.push({ file: path, line: 1, rule: `the status ${code} has no section` })
      continue
    }
    const facts = `Number ${number}. HTTP ${http}. ${remembered ? 'R' : 'Not r'}emembered.`
    if (lines[i + 2] !== facts) {
      findings.push({ file: path, line: i + 3, rule: `${code}: the line must be "${facts}"` })
    }
    if (i < previous) findings.push({ file: path, line: i + 1, rule: `${code}: out of order` })
    if (!/^[A-Z].*/.test(lines[i + 4] ?? '')) {
      findings.push({ file: path, line: i + 5, rule: `${code}: says when it comes` })
    }
    previous = i
  }
  for (const [code, i] of found) {
    findings.push({ file: path, line: i + 1, rule: `no status is called ${code}` })
  }
  return findings
}

/** Every constant and capacity has its row with the right values, and no row is of anything else. */
export function tidyLimits({ path, text }: Source): Finding[] {
  const findings: Finding[] = []
  const wanted = new Map<string, string>()
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value === 'number') wanted.set(name, grouped(value))
  }
  for (const [name, value] of Object.entries(limits.CAPACITIES_DEFAULT)) {
    const largest = limits.CAPACITIES_MAX[name as keyof limits.Capacities]
    wanted.set(name, `${grouped(value)} | ${grouped(largest)}`)
  }
  for (const [i, line] of text.split('\n').entries()) {
    const row = /^\| `(\w+)` +\| (.+)$/.exec(line)
    if (row === null) continue
    const [, name = '', cells = ''] = row
    // Cells are padded to the width of their column.
    const rest = cells.replaceAll(/ +\|/g, ' |')
    const value = wanted.get(name)
    wanted.delete(name)
    if (value === undefined) {
      findings.push({ file: path, line: i + 1, rule: `no limit is called ${name}` })
    } else if (!rest.startsWith(`${value} |`)) {
      findings.push({ file: path, line: i + 1, rule: `${name}: the row must say ${value}` })
    }
  }
  for (const name of wanted.keys()) {
    findings.push({ file: path, line: 1, rule: `the limit ${name} has no row` })
  }
  return findings
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}

function tidyReadme({ path, text }: Source): Finding[] {
  return README_LINES.filter((line) => !text.includes(line)).map((line) => ({
    file: path,
    line: 1,
    rule: `the line "${line}" must stand here`,
  }))
}

/** Links to files of the repository that are not there. */
export function tidyLinks(root: string, { path, text }: Source): Finding[] {
  const findings: Finding[] = []
  for (const [i, line] of text.split('\n').entries()) {
    for (const [, target = ''] of line.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      if (existsSync(join(root, dirname(path), target))) continue
      findings.push({ file: path, line: i + 1, rule: `the link leads nowhere: ${target}` })
    }
  }
  return findings
}
