// Prose in lines that a terminal holds.

/** Paragraphs, between which there are empty lines, in lines of `width` characters at most; longer words stay whole. */
export function wrapped(text: string, width: number): string {
  return text
    .split('\n\n')
    .map((paragraph) => wrappedWords(paragraph.split(/\s+/), width))
    .join('\n\n')
}

function wrappedWords(words: readonly string[], width: number): string {
  let text = ''
  let column = 0
  for (const word of words) {
    const isFull = column > 0 && column + 1 + word.length > width
    text += isFull ? `\n${word}` : column > 0 ? ` ${word}` : word
    column = isFull ? word.length : column + (column > 0 ? 1 : 0) + word.length
  }
  return text
}
