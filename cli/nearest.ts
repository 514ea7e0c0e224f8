// The known word that a mistyped one is nearest to, for messages that help.

/** The nearest of `known` to `word`, or undefined where none is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.ceil(word.length / 2)) + 1
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** `; did you mean x?`, or nothing. `prefix`: what all of them begin with, which makes none nearer. */
export function didYouMean(word: string, known: readonly string[], prefix = ''): string {
  const rest = (text: string): string => text.slice(prefix.length)
  const near = nearest(rest(word), known.map(rest))
  return near === undefined ? '' : `; did you mean ${prefix}${near}?`
}

/** Levenshtein's distance: insertions, deletions and replacements that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row[j] = Math.min(replaced, (previous[j] as number) + 1, (row[j - 1] as number) + 1)
    }
    previous = row
  }
  return previous[b.length] as number
}
