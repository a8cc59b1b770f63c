/** One thing that was measured, beside what it must be. */
export interface Figure {
  readonly what: string
  readonly measured: string
  readonly criterion: string
  readonly holds: boolean
}

/** One injection of failure: runs by itself, on loopback, within a minute, and leaves nothing behind. */
export interface Scenario {
  /** The line of the plan of failures that it answers: "R-03". */
  readonly id: string
  readonly title: string
  run(): Promise<readonly Figure[]>
}

/** A figure that must be at most `most`, in the same unit. */
export function atMost(what: string, measured: number, most: number, unit: string): Figure {
  return {
    what,
    measured: inUnit(measured, unit),
    criterion: `at most ${inUnit(most, unit)}`,
    holds: measured <= most,
  }
}

export function atLeast(what: string, measured: number, least: number, unit: string): Figure {
  return {
    what,
    measured: inUnit(measured, unit),
    criterion: `at least ${inUnit(least, unit)}`,
    holds: measured >= least,
  }
}

export function exactly(what: string, measured: number, wanted: number): Figure {
  return { what, measured: String(measured), criterion: String(wanted), holds: measured === wanted }
}

/** The value that this part of them does not exceed; 0 of none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

function inUnit(value: number, unit: string): string {
  const text = Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1)
  return unit === '%' ? `${text} %` : `${text} ${unit}`.trimEnd()
}
