/**
 * A person's way from "please sign in" to a session.
 *
 * Owns: the attempt and what was proved in it. Both live in `Ephemeral`, under the digest of the handle, bound to the browser that
 * began (N-003). Never: changes what an attempt was begun with. Where it leads, for which app and how strong it must be is written
 * once; a restart begins another attempt (N-004).
 */
import { z } from 'zod'
import { type Clock, minuteMs } from '../kernel/clock.ts'
import { digest, sameSecret } from '../kernel/digest.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import { GatewayError } from '../kernel/errors.ts'
import {
  type AccountId,
  type AppId,
  type CredentialId,
  parseAccountId,
  parseAppId,
  parseId,
} from '../kernel/ids.ts'
import { newSecret, type Random } from '../kernel/random.ts'
import { parseResumePath } from './resume-path.ts'

/** What a request asks of the sign-in, as the edge has validated it. */
export interface Wanted {
  /** Only this person will do: the request named one (`id_token_hint`), or a session is being strengthened. */
  readonly accountId?: AccountId
  /** The least strength (see sessions/assurance). */
  readonly acr?: string
  /** Proofs from before this instant do not count (`prompt=login`, `max_age`). */
  readonly provedAfter?: number
}

export interface SignInAttempt {
  /** Path on our own origin to go on to. */
  readonly resumePath: string
  readonly appId?: AppId
  readonly loginHint?: string
  readonly wanted: Wanted
  readonly startedAt: number
  readonly expiresAt: number
  /** What the person has proved in this attempt so far. */
  readonly proofs: readonly Proof[]
}

/** One thing proved, and what must still hold when it is turned into a session. */
export type Proof =
  | {
      readonly method: 'password'
      readonly accountId: AccountId
      readonly at: number
      /** The password's own date: another one means that it was changed in between. */
      readonly passwordChangedAt: number | undefined
    }
  | {
      readonly method: 'passkey'
      readonly accountId: AccountId
      readonly at: number
      readonly credentialId: CredentialId
      readonly backupEligible: boolean
    }

/** Time to find the phone, the security key or the password manager; then the page says that it expired. */
export const attemptMs = 10 * minuteMs
const loginHintMaxLength = 254
/** 128 bits of base64url. */
const browserMinLength = 22
/** A password and a passkey are all there is to prove; a few more are kept because people repeat themselves. */
const proofsMax = 4

export interface AttemptsDeps {
  readonly ephemeral: Ephemeral
  readonly clock: Clock
  readonly random: Random
}

export type Attempts = ReturnType<typeof createAttempts>

/** Creates the keeper of attempts. */
export function createAttempts(deps: AttemptsDeps) {
  const { ephemeral, clock } = deps

  const read = async (
    handle: string,
    browser: string,
  ): Promise<z.output<typeof storedAttempt> | undefined> => {
    if (!isHandle(handle)) return undefined
    const value = await ephemeral.get(attemptSpace, digest(handle))
    return value === undefined ? undefined : ofBrowser(value, browser)
  }

  return {
    /** Begins an attempt and returns its handle, which names it in URLs and proves nothing without the browser's cookie. */
    begin: async (of: {
      readonly resumePath: string
      readonly appId?: AppId
      readonly loginHint?: string
      readonly browser: string
      readonly wanted: Wanted
    }): Promise<string> => {
      const resumePath = parseResumePath(of.resumePath)
      if (resumePath === undefined) {
        throw new GatewayError('input_invalid', 'The page to return to after signing in is not one of ours.')
      }
      // Without a cookie of its own every such browser would be the same one.
      if (of.browser.length < browserMinLength) {
        throw new GatewayError('input_invalid', 'Signing in needs cookies.')
      }
      const handle = newSecret(deps.random)
      const now = clock.now()
      const attempt: z.output<typeof storedAttempt> = {
        browserHash: digest(of.browser),
        resumePath,
        ...(of.appId === undefined ? {} : { appId: of.appId }),
        ...(of.loginHint === undefined ? {} : { loginHint: of.loginHint.slice(0, loginHintMaxLength) }),
        wanted: of.wanted,
        startedAt: now,
        expiresAt: now + attemptMs,
      }
      await ephemeral.put(attemptSpace, digest(handle), attempt, attemptMs)
      return handle
    },

    /** The attempt with what was proved in it; undefined when it is unknown, over, used or another browser's. */
    find: async (handle: string, browser: string): Promise<SignInAttempt | undefined> => {
      const stored = await read(handle, browser)
      if (stored === undefined) return undefined
      const proofs = storedProofs.safeParse(await ephemeral.get(proofSpace, digest(handle)))
      return toAttempt(stored, proofs.success ? proofs.data : [])
    },

    /**
     * Remembers proofs until the attempt is over. They have a place of their own, so that writing them can never bring back an
     * attempt that was completed in the meantime.
     */
    remember: async (handle: string, attempt: SignInAttempt, proofs: readonly Proof[]): Promise<void> => {
      const ttlMs = attempt.expiresAt - clock.now()
      if (ttlMs < 1) return
      await ephemeral.put(proofSpace, digest(handle), proofs.slice(-proofsMax), ttlMs)
    },

    /** Takes the attempt out for completion: of any number of calls at once, one gets true. */
    claim: async (handle: string): Promise<boolean> =>
      (await ephemeral.take(attemptSpace, digest(handle))) !== undefined,

    /** Puts a claimed attempt back, when what it was claimed for could not be stored. */
    release: async (handle: string, browser: string, attempt: SignInAttempt): Promise<void> => {
      const ttlMs = attempt.expiresAt - clock.now()
      if (ttlMs < 1) return
      const { proofs: _, ...rest } = attempt
      await ephemeral.add(attemptSpace, digest(handle), { ...rest, browserHash: digest(browser) }, ttlMs)
    },

    /** Forgets what was proved in a completed attempt. */
    forgetProofs: async (handle: string): Promise<void> => {
      await ephemeral.take(proofSpace, digest(handle))
    },
  }
}

const attemptSpace = 'sign-in-attempt'
const proofSpace = 'sign-in-proofs'

function isHandle(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}

function ofBrowser(value: unknown, browser: string): z.output<typeof storedAttempt> | undefined {
  const stored = storedAttempt.parse(value)
  return sameSecret(stored.browserHash, digest(browser)) ? stored : undefined
}

function toAttempt(
  { browserHash: _, ...stored }: z.output<typeof storedAttempt>,
  proofs: readonly Proof[],
): SignInAttempt {
  return { ...stored, proofs }
}

/** What is read back from a store is an edge like any other. */
const accountId = z.custom<AccountId>((value) => parseAccountId(value) !== undefined)
const credentialId = z.custom<CredentialId>((value) => parseId('credential', value) !== undefined)

const storedAttempt = z.object({
  browserHash: z.string(),
  resumePath: z.string(),
  appId: z.custom<AppId>((value) => parseAppId(value) !== undefined).exactOptional(),
  loginHint: z.string().exactOptional(),
  wanted: z.object({
    accountId: accountId.exactOptional(),
    acr: z.string().exactOptional(),
    provedAfter: z.number().exactOptional(),
  }),
  startedAt: z.number(),
  expiresAt: z.number(),
})

const storedProofs = z.array(
  z.discriminatedUnion('method', [
    z.object({
      method: z.literal('password'),
      accountId,
      at: z.number(),
      passwordChangedAt: z
        .number()
        .optional()
        .transform((at) => at),
    }),
    z.object({
      method: z.literal('passkey'),
      accountId,
      at: z.number(),
      credentialId,
      backupEligible: z.boolean(),
    }),
  ]),
)
