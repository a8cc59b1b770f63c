/** The known name that a mistyped one most likely meant; undefined when none is near enough to be worth saying. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  // A third of the letters may be wrong, or two changed places: `idel` means `idle`, `foo` means nothing.
  let best: { name: string; distance: number } | undefined
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    const most = Math.min(candidate.length - 1, Math.max(2, Math.floor(candidate.length / 3)))
    if (distance <= most && distance < (best?.distance ?? Infinity)) {
      best = { name: candidate, distance }
    }
  }
  return best?.name
}

/** Longer names are cut: the cost is quadratic and an operator's typo never needs more. */
const longestCompared = 80

/** Levenshtein distance, one row at a time. */
function editDistance(left: string, right: string): number {
  const from = left.slice(0, longestCompared)
  const to = right.slice(0, longestCompared)
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1)
      const removed = (previous[column] ?? 0) + 1
      const added = (current[column - 1] ?? 0) + 1
      current.push(Math.min(replaced, removed, added))
    }
    previous = current
  }
  return previous[to.length] ?? 0
}
