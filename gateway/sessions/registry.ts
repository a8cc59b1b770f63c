/**
 * The only writer of live sessions.
 *
 * Owns: beginning, strengthening and joining; what a cookie's value opens; how its secret changes. Relies on: SessionStore, Clock.
 * Never: ends a session. What it finds stolen it hands to the one door.
 */
import { type Clock, minuteMs, secondMs } from '../kernel/clock.ts'
import { digest, keyedDigest } from '../kernel/digest.ts'
import {
  type AccountId,
  type AppId,
  type AppSessionId,
  type CredentialId,
  newId,
  type SsoSessionId,
} from '../kernel/ids.ts'
import { newSecret, type Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { AppSession } from './app-session.ts'
import { type Acr, type Amr, oneFactor, twoFactors } from './assurance.ts'
import type { EndSession } from './ending.ts'
import {
  type AppLifetimePolicy,
  appEndsAt,
  endsAt,
  expiryOf,
  type LifetimePolicy,
  mayStay,
  touchEveryMs,
} from './lifetime.ts'
import type { SessionSecret, SsoSession } from './sso-session.ts'
import type { SessionStore } from './store.ts'

/** A completed proof of who a person is. */
export interface Authentication {
  readonly methods: readonly ('passkey' | 'password')[]
  readonly amr: readonly Amr[]
  readonly acr: Acr
  readonly credentialIds: readonly CredentialId[]
  /** When it was completed, ms. */
  readonly at: number
}

export type ResolvedSession =
  | {
      readonly kind: 'live'
      readonly session: SsoSession /** The cookie's next value, when the clock rotated it. */
      readonly rotated?: string
    }
  /** Unknown, ended, expired or replaced: a page asks to sign in. `unknown`: nobody ever issued this value. */
  | { readonly kind: 'none'; readonly why: 'unknown' | 'ended' | 'expired' | 'replaced' }

/** What counts as use of a session (DECISIONS 7). */
export type Activity = 'authorize' | 'refresh' | 'userinfo' | 'silent' | 'page'

export interface SessionPolicy extends LifetimePolicy {
  /** Activities that keep a session from idling out; pages of ours always do. */
  readonly activity: readonly Activity[]
  readonly rotateSecretMs: number
}

export interface SessionRegistryDeps {
  readonly store: SessionStore
  readonly transaction: Transaction
  readonly clock: Clock
  readonly random: Random
  readonly policy: SessionPolicy
  /** The limits an app sets for its own AppSessions. */
  readonly appPolicy: (appId: AppId) => AppLifetimePolicy
  readonly endSession: EndSession
  /** Key of the HMAC that names a secret's successor. */
  readonly rotationKey: Uint8Array
  /** Told of a stolen secret before the session is ended; appends the audit event. */
  readonly onReplay: (session: SsoSession, address: string) => Promise<void>
}

/** Requests that were on their way when the secret changed arrive well within this (DECISIONS 9). */
const graceMs = minuteMs

export type SessionRegistry = ReturnType<typeof createSessionRegistry>

/** Creates the registry. */
export function createSessionRegistry(deps: SessionRegistryDeps) {
  const { store, clock, random, policy } = deps

  /**
   * The next secret is an HMAC of the current one, so parallel requests that all find rotation due set the same cookie, and a
   * response that never arrived can be given again, while only hashes are stored.
   */
  const successorOf = (secret: string): string => keyedDigest(deps.rotationKey, `session/${secret}`)

  const rotate = async (
    session: SsoSession,
    current: string,
    seen: { readonly address: string },
  ): Promise<ResolvedSession> => {
    const next = successorOf(current)
    const changed = await store.changeSecret(session.id, {
      hash: digest(next),
      issuedAt: clock.now(),
      kind: 'superseded',
      over: digest(current),
    })
    // Ended meanwhile, or its secret was replaced: what is shown now opens what it opens now. Then it is current no more, so once is enough.
    return changed ? { kind: 'live', session, rotated: next } : resolve(current, seen)
  }

  const resolveSuperseded = async (
    session: SsoSession,
    secret: SessionSecret,
    shown: string,
    address: string,
  ): Promise<ResolvedSession> => {
    const next = successorOf(shown)
    const inGrace = clock.now() < (secret.supersededAt ?? 0) + graceMs
    const successor = await store.findBySecret(digest(next))
    // The grace covers requests in flight; an unseen successor means that the browser never got the new cookie.
    if (inGrace || successor?.secret.seen === false) {
      return { kind: 'live', session, ...(successor?.secret.state === 'current' ? { rotated: next } : {}) }
    }
    await deps.transaction.run(
      async () => {
        await deps.onReplay(session, address)
        await deps.endSession({ kind: 'sso-sessions', ids: [session.id] }, 'risk', { kind: 'gateway' })
      },
      { durable: true },
    )
    return { kind: 'none', why: 'ended' }
  }

  const resolveReplaced = async (
    session: SsoSession,
    secret: SessionSecret,
    address: string,
  ): Promise<ResolvedSession> => {
    // No grace: it opens nothing from the first instant. But a second tab may have been on its way, so only later use is theft.
    if (clock.now() < (secret.supersededAt ?? 0) + graceMs) return { kind: 'none', why: 'replaced' }
    await deps.transaction.run(
      async () => {
        await deps.onReplay(session, address)
        await deps.endSession({ kind: 'sso-sessions', ids: [session.id] }, 'risk', { kind: 'gateway' })
      },
      { durable: true },
    )
    return { kind: 'none', why: 'ended' }
  }

  /** What a cookie's value opens now; rotates it when its time has come and ends the session when it was stolen. */
  const resolve = async (secret: string, seen: { readonly address: string }): Promise<ResolvedSession> => {
    const found = await store.findBySecret(digest(secret))
    if (found === undefined) return { kind: 'none', why: 'unknown' }
    const { session, secret: record } = found
    if (session.ended !== undefined) return { kind: 'none', why: 'ended' }
    // What has run out is no session from this instant, whether or not the sweeper has ended it and told the apps.
    if (expiryOf(session, policy, clock.now()) !== undefined) return { kind: 'none', why: 'expired' }
    switch (record.state) {
      case 'current':
        if (!record.seen) await store.markSecretSeen(record.hash)
        return clock.now() >= record.issuedAt + policy.rotateSecretMs
          ? rotate(session, secret, seen)
          : { kind: 'live', session }
      case 'superseded':
        return resolveSuperseded(session, record, secret, seen.address)
      case 'replaced':
        return resolveReplaced(session, record, seen.address)
      default:
        return record.state satisfies never
    }
  }

  return {
    policy,

    /** Begins a session. Call it inside a durable transaction, together with whatever made it begin. */
    begin: async (of: {
      readonly accountId: AccountId
      readonly authentication: Authentication
      readonly remembered: boolean
      readonly address: string
      readonly userAgent: string
    }): Promise<{ readonly session: SsoSession; readonly secret: string }> => {
      const now = clock.now()
      const secret = newSecret(random)
      const session: SsoSession = {
        id: newId('ssoSession', random),
        accountId: of.accountId,
        startedAt: now,
        authenticatedAt: of.authentication.at,
        lastSeenAt: now,
        remembered: of.remembered,
        acr: of.authentication.acr,
        amr: of.authentication.amr,
        credentialIds: of.authentication.credentialIds,
        address: of.address,
        userAgent: of.userAgent.slice(0, 512),
      }
      await store.insert(session, digest(secret), endsAt(session, policy))
      return { session, secret }
    },

    /**
     * Same session, proved once more: new secret, no grace for the old ones. Its strength is that of the new proof, because `acr` tells
     * how the person proved at `auth_time` who they are: a password typed now does not make this morning's passkey one of now.
     * Undefined: it ended meanwhile.
     */
    strengthen: async (
      session: SsoSession,
      authentication: Authentication,
    ): Promise<{ readonly session: SsoSession; readonly secret: string } | undefined> => {
      const now = clock.now()
      const secret = newSecret(random)
      const isWeaker = session.acr === twoFactors && authentication.acr === oneFactor
      const proved: SsoSession = {
        ...session,
        authenticatedAt: authentication.at,
        lastSeenAt: now,
        acr: authentication.acr,
        amr: isWeaker ? authentication.amr : [...new Set([...session.amr, ...authentication.amr])],
        credentialIds: [...new Set([...session.credentialIds, ...authentication.credentialIds])],
      }
      return deps.transaction.run(async () => {
        if (!(await store.strengthen(session.id, proved))) return undefined
        await store.changeSecret(session.id, { hash: digest(secret), issuedAt: now, kind: 'replaced' })
        return { session: proved, secret }
      })
    },

    /** A new secret for a session whose account's secrets changed, such as its password. Undefined: it ended meanwhile. */
    replaceSecret: async (session: SsoSession): Promise<string | undefined> => {
      const secret = newSecret(random)
      const changed = await store.changeSecret(session.id, {
        hash: digest(secret),
        issuedAt: clock.now(),
        kind: 'replaced',
      })
      return changed ? secret : undefined
    },

    resolve,

    /** The session when it is live at this instant. */
    findLive: async (id: SsoSessionId): Promise<SsoSession | undefined> => {
      const session = await store.find(id)
      if (session === undefined || session.ended !== undefined) return undefined
      return expiryOf(session, policy, clock.now()) === undefined ? session : undefined
    },

    /** Notes that a session was used, at most once per touch interval. */
    touch: async (session: Pick<SsoSession, 'id' | 'lastSeenAt'>, activity: Activity): Promise<void> => {
      if (activity !== 'page' && !policy.activity.includes(activity)) return
      const now = clock.now()
      if (now - session.lastSeenAt < touchEveryMs(policy.idleMs)) return
      await store.touch(session.id, now)
    },

    /** Notes that an AppSession was used, at most once per touch interval of its app. */
    touchAppSession: async (session: Omit<AppSession, 'ended'>): Promise<void> => {
      const now = clock.now()
      const idleMs = deps.appPolicy(session.appId).idleMs ?? policy.idleMs
      if (now - session.lastSeenAt < touchEveryMs(idleMs)) return
      await store.touchAppSession(session.id, now)
    },

    /**
     * Joins an app to a live session: the AppSession that is active there already, or a new one with this `sid`.
     * Undefined: the SsoSession has ended (DECISIONS 14). `joined` is true when this call made it.
     */
    join: async (of: {
      readonly id: AppSessionId
      readonly ssoSessionId: SsoSessionId
      readonly accountId: AccountId
      readonly appId: AppId
      readonly sid: string
    }): Promise<{ readonly appSession: AppSession; readonly joined: boolean } | undefined> => {
      const now = clock.now()
      const wanted: AppSession = { ...of, startedAt: now, lastSeenAt: now }
      const appSession = await store.join(wanted, appEndsAt(wanted, deps.appPolicy(of.appId)))
      return appSession === undefined ? undefined : { appSession, joined: appSession.id === of.id }
    },
  }
}

/** How long the cookie should live in the browser, in seconds: undefined means until the browser closes. */
export function cookieLifetimeSeconds(
  session: SsoSession,
  policy: LifetimePolicy,
  now: number,
): number | undefined {
  return mayStay(session, policy)
    ? Math.max(1, Math.floor((endsAt(session, policy) - now) / secondMs))
    : undefined
}
