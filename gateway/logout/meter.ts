import type { AttemptOutcome, Settled } from './delivery.ts'

/** Counts what becomes of telling apps. */
export interface DeliveryMeter {
  /** An attempt has come to its end, one way or another. */
  attempted(outcome: AttemptOutcome): void
  /** A delivery has come to its end, and that is written. */
  settled(state: Settled['state']): void
}
