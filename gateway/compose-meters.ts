/**
 * What is counted as it happens, all of it on one page.
 */
import type { Passwords } from './accounts/passwords.ts'
import { secondMs } from './kernel/clock.ts'
import type { Counter, Metrics } from './kernel/metrics.ts'
import { type AttemptOutcome, verdictOf } from './logout/delivery.ts'
import type { DeliveryMeter } from './logout/meter.ts'
import type { SignIn, SignInOutcome } from './sign-in/sign-in.ts'

/** From an app next door to the last moment of the usual deadline of five seconds, and the slack after it. */
const attemptBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const settledStates = ['delivered', 'sent', 'refused', 'abandoned', 'untellable'] as const
const signInMethods = ['password', 'passkey'] as const
const signInOutcomes: readonly SignInOutcome['kind'][] = [
  'signed-in',
  'refused',
  'more-needed',
  'throttled',
  'busy',
  'expired',
]

export type Meters = ReturnType<typeof createMeters>

/** Adds the counters of the core to `metrics`. */
export function createMeters(metrics: Metrics) {
  return {
    signIns: metrics.counter({
      name: 'gatehouse_sign_ins_total',
      help: 'Answers to sign-in pages, by what was shown as proof and what came of it.',
      labels: ['method', 'outcome'],
      from: signInMethods.flatMap((method) => signInOutcomes.map((outcome) => ({ method, outcome }))),
    }),
    tokens: metrics.counter({
      name: 'gatehouse_tokens_issued_total',
      help: 'Token requests of apps that were answered with tokens.',
      labels: ['grant_type'],
      from: [{ grant_type: 'authorization_code' }, { grant_type: 'refresh_token' }],
    }),
    deliveries: createDeliveryMeter(metrics),
    webhook: metrics.counter({
      name: 'gatehouse_webhook_messages_total',
      help: 'Messages to the webhook, by how that ended.',
      labels: ['outcome'],
      from: ['delivered', 'refused', 'abandoned'].map((outcome) => ({ outcome })),
    }),
    passwordsBusy: metrics.counter({
      name: 'gatehouse_passwords_busy_total',
      help: 'Passwords that were not looked at because too many were waiting.',
      labels: [],
      from: [{}],
    }),
    storeFailures: metrics.counter({
      name: 'gatehouse_store_failures_total',
      help: 'Times that a store could not answer or could not keep something.',
      labels: ['store', 'code'],
      from: ['main', 'ephemeral'].map((store) => ({ store, code: 'store_unavailable' })),
    }),
  }
}

function createDeliveryMeter(metrics: Metrics): DeliveryMeter {
  const settled = metrics.counter({
    name: 'gatehouse_logout_deliveries_total',
    help: 'Apps that were owed the news of a sign-out, by how that ended.',
    labels: ['outcome'],
    from: settledStates.map((outcome) => ({ outcome })),
  })
  const seconds = metrics.histogram({
    name: 'gatehouse_logout_attempt_duration_seconds',
    help: 'Attempts to tell an app of a sign-out, by what it answered.',
    labels: ['outcome'],
    buckets: attemptBuckets,
  })
  return {
    settled: (outcome) => settled.add({ outcome }),
    attempted: (outcome) => {
      // Nothing was sent, so nothing took time.
      if (outcome.kind === 'no-channel') return
      seconds.observe({ outcome: answerOf(outcome) }, outcome.durationMs / secondMs)
    },
  }
}

function answerOf(outcome: Exclude<AttemptOutcome, { kind: 'no-channel' }>): string {
  return outcome.kind === 'answered' ? verdictOf(outcome.status) : 'unreachable'
}

/** The same passwords, counting whoever was sent away. */
export function countBusy(passwords: Passwords, counter: Counter<never>): Passwords {
  const counted = <Outcome extends { readonly kind: string }>(outcome: Outcome): Outcome => {
    if (outcome.kind === 'busy') counter.add({})
    return outcome
  }
  return {
    hash: async (password) => counted(await passwords.hash(password)),
    verify: async (hash, password) => counted(await passwords.verify(hash, password)),
  }
}

/** The same sign-in, counting what comes of each answer. */
export function countSignIns(signIn: SignIn, counter: Counter<'method' | 'outcome'>): SignIn {
  const counted = (method: (typeof signInMethods)[number], outcome: SignInOutcome): SignInOutcome => {
    counter.add({ method, outcome: outcome.kind })
    return outcome
  }
  return {
    ...signIn,
    withPassword: async (of) => counted('password', await signIn.withPassword(of)),
    withPasskey: async (of) => counted('passkey', await signIn.withPasskey(of)),
  }
}
