// `holdfast version`: what this build is, and what it can read.

import { readFileSync } from 'node:fs'
import { FORMAT_VERSION, RULES_VERSION } from '../../protocol/index.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { print, printJson } from '../output.ts'

/** The version in package.json, which lies above this file both in the sources and in dist/. */
export function packageVersion(): string {
  for (const up of ['../../package.json', '../../../package.json', '../../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'))
      if (name === 'holdfast') return String(version)
    } catch {}
  }
  throw new Error('package.json of holdfast is not above the command: the installation is damaged')
}

/** Prints the versions of the program, the journal's format, the rules and Node. */
export function version(json: boolean): ExitCode {
  const versions = {
    version: packageVersion(),
    formatVersion: FORMAT_VERSION,
    rulesVersion: RULES_VERSION,
    node: process.versions.node,
  }
  if (json) printJson(versions)
  else {
    print(
      `holdfast ${versions.version} (journal format ${versions.formatVersion}, ` +
        `rules ${versions.rulesVersion}, Node ${versions.node})`,
    )
  }
  return EXIT.fine
}
