// Where a demonstration draws: some lines that are drawn anew in place on a terminal, and one line a second
// elsewhere. Knows nothing of what is drawn.

import { clearLine, cursorTo, moveCursor } from 'node:readline'
import { wrapped } from '../wrapped.ts'

/** How often a terminal is drawn anew, and how often another stream gets a line, in ms. */
const REDRAW_MS = 100
const LINE_MS = 1_000

/** What is drawn, both ways; called when it is due. */
export interface Picture {
  lines(): readonly string[]
  /** Of `width` characters at most. */
  line(width: number): string
}

/** See the head of this file. */
export class Screen {
  readonly #stream: NodeJS.WriteStream
  readonly #inPlace: boolean
  #height = 0

  /** Draws on stdout, or on stderr where stdout is for data; `isPlain`: never in place. */
  constructor({ isPlain, isData }: { readonly isPlain: boolean; readonly isData: boolean }) {
    this.#stream = isData ? process.stderr : process.stdout
    this.#inPlace = !isPlain && this.#stream.isTTY === true
  }

  /** Writes lines that stay. */
  say(text: string): void {
    this.#stream.write(`${text}\n`)
  }

  /** Writes paragraphs that stay, broken where the terminal ends. */
  tell(text: string): void {
    this.say(this.#stream.isTTY === true ? wrapped(text, this.#width - 1) : text)
  }

  get #width(): number {
    return this.#stream.columns || 80
  }

  /** Draws from now on; the function that is given back draws a last time, and ends it. */
  show(picture: Picture): () => void {
    const draw = (): void => {
      if (this.#inPlace) this.#redraw(picture.lines())
      else this.say(picture.line(this.#stream.isTTY === true ? this.#width : Infinity))
    }
    if (this.#inPlace) this.#stream.write('\u001b[?25l')
    const timer = setInterval(draw, this.#inPlace ? REDRAW_MS : LINE_MS)
    return () => {
      clearInterval(timer)
      draw()
      this.#height = 0
      if (this.#inPlace) this.#stream.write('\u001b[?25h')
    }
  }

  #redraw(lines: readonly string[]): void {
    moveCursor(this.#stream, 0, -this.#height)
    cursorTo(this.#stream, 0)
    for (const line of lines) {
      clearLine(this.#stream, 0)
      // A line that the terminal breaks would be two of them to go back over.
      this.#stream.write(`${line.slice(0, this.#width - 1)}\n`)
    }
    this.#height = lines.length
  }
}

/** Parts of a whole as one bar: as many characters of each mark as its share of `total` is. */
export function bar(
  width: number,
  total: number,
  parts: readonly (readonly [mark: string, value: number])[],
  rest = ' ',
): string {
  let text = ''
  let sum = 0
  for (const [mark, value] of parts) {
    sum += Math.max(0, value)
    const end = total <= 0 ? 0 : Math.min(width, Math.round((sum / total) * width))
    text += mark.repeat(Math.max(0, end - text.length))
  }
  return text.padEnd(width, rest)
}
