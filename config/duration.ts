const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Digits without a leading zero, then one unit; at most five digits, so that no duration overflows a timer's arithmetic. */
export const durationPattern = /^([1-9][0-9]{0,4})([smhd])$/

/** The milliseconds of `90s`, `15m`, `12h` or `30d`; undefined for anything else. The least is one second. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = durationPattern.exec(text) ?? []
  if (amount === undefined || unit === undefined) return undefined
  return Number(amount) * unitMs[unit as keyof typeof unitMs]
}
