/** What telling a number of apps once has cost. */
export interface Told {
  /** When the end was acknowledged, ms on the machine's clock. */
  readonly acknowledgedAt: number
  /** How long it took until then. */
  readonly endingMs: number
  /** CPU from then on, until every answer is written down. */
  readonly tellingCpuMs: number
  /** And until the audit trail is chained again. */
  readonly sealingCpuMs: number
}

/** Attempts in flight, the same for everybody. */
export const atOnce = 64
