/**
 * How often someone may guess.
 *
 * Owns: the counters. Each attempt is counted before it is judged and given back when it was right, so that two hundred guesses at
 * once count as two hundred (N-121, DECISIONS 40). Relies on: `Ephemeral.hit` being exact. Never: says whether an account exists;
 * an unknown one has a counter like any other.
 */
import ipaddr from 'ipaddr.js'
import { foldEmail } from '../accounts/account.ts'
import { type Clock, dayMs, minuteMs, secondMs } from '../kernel/clock.ts'
import { digest } from '../kernel/digest.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'

export type Admission =
  | {
      readonly kind: 'admitted'
      /** Gives the attempt back: it was right, or it was never judged. */
      refund(): Promise<void>
    }
  | {
      readonly kind: 'throttled'
      readonly scope: 'account' | 'address'
      readonly retryAfterSeconds: number
      /** True for the first attempt over the limit in its window: worth one line in the audit trail, not thousands. */
      readonly first: boolean
    }

export interface ThrottleDeps {
  readonly ephemeral: Ephemeral
  readonly clock: Clock
}

export type Throttle = ReturnType<typeof createThrottle>

/** What a visit leaves behind: where a sign-in leads, or what an app has asked for. Counted apart, because one may cost both. */
export type Visit = 'attempt' | 'interaction'

interface Limit {
  readonly space: string
  readonly max: number
  readonly windowMs: number
}

/** Ten typing errors in a row happen to people; the eleventh waits. */
const accountLimits: readonly Limit[] = [
  { space: 'throttle-account', max: 10, windowMs: 15 * minuteMs },
  // SP 800-63B-4 section 3.2.2: no more than 100 failures in a row. A passkey and a known browser still open the account.
  { space: 'throttle-account-day', max: 100, windowMs: dayMs },
]
/** An office behind one address mistypes this often; a guesser gets through 9,600 passwords a day, over all accounts. */
const addressLimits: readonly Limit[] = [{ space: 'throttle-address', max: 100, windowMs: 15 * minuteMs }]
/** Each page load asks for one: conditional UI needs them before anyone does anything. */
const challengeLimits: readonly Limit[] = [
  { space: 'throttle-challenges', max: 1_000, windowMs: 15 * minuteMs },
]
/** Ten of them for each of a thousand people behind one address; what they leave behind is a few MB. */
const visitLimits = (what: Visit): readonly Limit[] => [
  { space: `throttle-${what}s`, max: 10_000, windowMs: 10 * minuteMs },
]
/** A browser that signed this account in is known for so long after it last did. */
const knownBrowserMs = 90 * dayMs
const knownBrowserSpace = 'known-browser'

/** Creates the throttle. */
export function createThrottle({ ephemeral, clock }: ThrottleDeps) {
  /** Counts in each window, shortest first, until one is full. */
  const admit = async (
    scope: 'account' | 'address',
    limits: readonly Limit[],
    key: string,
  ): Promise<Admission> => {
    const counted: Limit[] = []
    const refund = async (): Promise<void> => {
      for (const limit of counted) await ephemeral.hit(limit.space, key, limit.windowMs, -1)
    }
    for (const limit of limits) {
      const { count, endsAt } = await ephemeral.hit(limit.space, key, limit.windowMs)
      if (count > limit.max) {
        // A guess that will not be judged counts in the window that refused it, and in no other.
        await refund()
        const retryAfterSeconds = Math.max(1, Math.ceil((endsAt - clock.now()) / secondMs))
        return { kind: 'throttled', scope, retryAfterSeconds, first: count === limit.max + 1 }
      }
      counted.push(limit)
    }
    return { kind: 'admitted', refund }
  }

  /** Both must admit. What the first counted stays counted when the second refuses: someone is still guessing from there. */
  const both = async (first: Promise<Admission>, next: () => Promise<Admission>): Promise<Admission> => {
    const outer = await first
    if (outer.kind === 'throttled') return outer
    const inner = await next()
    if (inner.kind === 'throttled') return inner
    return {
      kind: 'admitted',
      refund: async () => {
        await inner.refund()
        await outer.refund()
      },
    }
  }

  return {
    /**
     * A guess at a password. A browser that has signed this account in before has counters of its own, so that nobody who guesses
     * from elsewhere can lock its owner out (N-124). `foldedEmail` is undefined for what cannot be an address: then nobody's account
     * is being guessed at, and the address alone counts.
     */
    admitPassword: async (of: {
      readonly address: string
      readonly foldedEmail: string | undefined
      readonly browser: string
    }): Promise<Admission> =>
      both(admit('address', addressLimits, addressKey(of.address)), async () => {
        if (of.foldedEmail === undefined) return { kind: 'admitted', refund: async () => {} }
        const known = browserKey(of.browser, of.foldedEmail)
        const isKnown = (await ephemeral.get(knownBrowserSpace, known)) !== undefined
        return admit('account', accountLimits, isKnown ? known : digest(of.foldedEmail))
      }),

    /** A try with a passkey: there is nothing to guess, so only the address counts. */
    admitPasskey: (address: string): Promise<Admission> =>
      admit('address', addressLimits, addressKey(address)),

    /** A request for a challenge, which costs us a stored entry. */
    admitChallenge: (address: string): Promise<Admission> =>
      admit('address', challengeLimits, addressKey(address)),

    /** A visit of a browser that has proved nothing. */
    admitVisit: (what: Visit, address: string): Promise<Admission> =>
      admit('address', visitLimits(what), addressKey(address)),

    /** Remembers that this browser signed this account in. */
    knowBrowser: async (browser: string, email: string): Promise<void> => {
      const foldedEmail = foldEmail(email)
      if (foldedEmail === undefined) return
      await ephemeral.put(knownBrowserSpace, browserKey(browser, foldedEmail), true, knownBrowserMs)
    },
  }
}

function browserKey(browser: string, foldedEmail: string): string {
  return digest(`${browser}\n${foldedEmail}`)
}

/**
 * One counter per client, however it writes its address: IPv4 in IPv6 is IPv4, and a /64 is one client, because whoever has one IPv6
 * address has all of them (N-123). What is no address shares one counter.
 */
export function addressKey(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown'
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv6) {
    return `${new ipaddr.IPv6([...parsed.parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`
  }
  return parsed.toString()
}
