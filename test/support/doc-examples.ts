// What documents show, taken out of them: commands with what they print, and files in pieces.

/** Where the documents' server listens. */
export const DOCUMENTS_URL = 'http://127.0.0.1:7700'

/** A command and what it prints. */
export interface Example {
  readonly command: string
  readonly output: string
}

/** The commands of all `console` blocks in order, each with what it prints. */
export function examplesIn(markdown: string): Example[] {
  return blocksOf(markdown, 'console').flatMap((text) =>
    text
      .split(/^\$ /m)
      .filter((part) => part !== '')
      .map((part) => {
        const [command = '', ...output] = part.trimEnd().split('\n')
        return { command, output: output.join('\n') }
      }),
  )
}

/** The files in the `js` blocks by the name in their first lines; blocks of one file follow each other. */
export function filesIn(markdown: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (const block of blocksOf(markdown, 'js')) {
    const name = /^\/\/ (\S+)\n/.exec(block)?.[1]
    if (name === undefined) throw new Error(`a block without a file's name: ${block.slice(0, 60)}`)
    files.set(name, (files.get(name) ?? '') + block)
  }
  return files
}

function blocksOf(markdown: string, language: string): string[] {
  const blocks = markdown.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))
  return [...blocks].map(([, text = '']) => text)
}

/** Times differ from run to run; all else has to be the same. */
export function masked(output: string): string {
  return output.trim().replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'TIME')
}
