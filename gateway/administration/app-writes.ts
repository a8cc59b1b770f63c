/**
 * Every write of an app after which a session may be at an app that is no longer open to it.
 *
 * Owns: that such a write, its line in the audit trail and the end of what it took away commit together (DECISIONS 96). Relies on: the
 * one door; nobody else is handed `AppRewrites`. Never: decides who may write; that is the command's.
 */
import type { AccountStore } from '../accounts/store.ts'
import { type App, type AppAccess, isOpenTo } from '../apps/app.ts'
import type { AppRewrites, AppStore, ConsentRemovals } from '../apps/store.ts'
import type { AppendAudit, AuditEvent } from '../audit/event.ts'
import type { Changes } from '../kernel/changes.ts'
import { type Clock, secondMs } from '../kernel/clock.ts'
import type { AccountId, AppId, AppSessionId } from '../kernel/ids.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { Actor } from '../sessions/cause.ts'
import type { EndResult, EndSession, SessionSelector } from '../sessions/ending.ts'
import type { RevokeOffline } from '../sessions/offline-access.ts'
import type { SessionStore, TokenStore } from '../sessions/store.ts'

export interface AppWrite {
  /** As it was read in this transaction. */
  readonly before: App
  readonly next: App
  readonly by: Actor
  readonly events: readonly AuditEvent[]
  /** Of the entry that declares it; kept or given up with this write. */
  readonly fingerprint?: string
}

export interface AppWrites {
  /**
   * Writes `next` over `before` and ends, at an app that is disabled or removed, every AppSession; where fewer people may open it, theirs
   * who may not any more. Where it may keep no access any more while people are away, that goes. One that was down is asked again soon, as it
   * may be somewhere else now. Undefined, and nothing written, when `before` is not what is stored, or the client id is taken.
   */
  replace(write: AppWrite): Promise<EndResult | undefined>
  /** Deletes records of apps that were removed before `at`. Their sessions ended when they were removed. */
  forgetRemovedBefore(at: number): Promise<void>
}

export interface AppWritesDeps {
  readonly store: Pick<AppStore, 'list'>
  readonly rewrites: { readonly apps: AppRewrites; readonly consents: Pick<ConsentRemovals, 'forgetApp'> }
  readonly accounts: Pick<AccountStore, 'find'>
  readonly sessions: Pick<SessionStore, 'activeAt'>
  readonly tokens: Pick<TokenStore, 'listOffline'>
  readonly endSession: EndSession
  readonly revokeOffline: RevokeOffline
  /** What is known of telling apps (`logout/health-store`). */
  readonly health: {
    /** True where the app was down and is asked again at this instant at the latest. */
    probeSoon(appId: AppId, at: number): Promise<boolean>
  }
  readonly transaction: Transaction
  readonly changes: Pick<Changes, 'announce'>
  readonly clock: Clock
  readonly audit: AppendAudit
}

/**
 * Whose access ended is looked up person by person while every other writer waits, about 30 µs each. An app with more AppSessions
 * loses all of them instead: whoever may still open it gets in again without a question, in a redirect that nobody sees.
 */
export const lookedAtMax = 1_000

/** Every process knows the new record of an app by then (DECISIONS 30), so a probe goes to where it is now. */
const knownWithinMs = secondMs

const nothingEnded: EndResult = { ssoSessionIds: [], appSessionIds: [] }

/** Creates the one way to write apps over what they were. */
export function createAppWrites(deps: AppWritesDeps): AppWrites {
  /**
   * The AppSessions of those whom `next` is closed to, ended ones too where the app kept access; all of the app's when there are too
   * many to look at.
   */
  const closedTo = async (next: App): Promise<SessionSelector> => {
    const active = await deps.sessions.activeAt(next.id, lookedAtMax + 1)
    const offline = await deps.tokens.listOffline({ appId: next.id }, lookedAtMax + 1)
    if (active.length + offline.length > lookedAtMax) return { kind: 'app', appId: next.id }
    const closed: AppSessionId[] = []
    const verdicts = new Map<AccountId, boolean>()
    const away = offline.map(({ appSessionId, accountId }) => ({ id: appSessionId, accountId }))
    for (const { id, accountId } of [...active, ...away]) {
      const known = verdicts.get(accountId)
      const open = known ?? isOpenTo(next, (await deps.accounts.find(accountId))?.groups ?? [])
      verdicts.set(accountId, open)
      if (!open) closed.push(id)
    }
    return { kind: 'app-sessions', ids: closed }
  }

  const endLost = async ({ before, next, by }: AppWrite): Promise<EndResult> => {
    // Whatever it was before: no AppSession lives at an app that nobody may open.
    if (next.state === 'disabled' || next.removedAt !== undefined) {
      return deps.endSession({ kind: 'app', appId: next.id }, 'app-removed', by)
    }
    if (!isNarrower(before.access, next.access)) return nothingEnded
    return deps.endSession(await closedTo(next), 'access-removed', by)
  }

  return {
    replace: (write) =>
      deps.transaction.run(
        async () => {
          const { before, next, by, fingerprint } = write
          if (!(await deps.rewrites.apps.replace(next, before.updatedAt, fingerprint))) return undefined
          for (const event of write.events) await deps.audit(event, { actor: by })
          // What was given under the old word is taken back, so that it does not come alive again with the next change.
          if (before.offline !== undefined && next.offline === undefined)
            await deps.revokeOffline({ kind: 'app', appId: next.id }, 'app-changed', by)
          if (await deps.health.probeSoon(next.id, deps.clock.now() + knownWithinMs))
            await deps.changes.announce('deliveries')
          if (next.removedAt !== undefined) await deps.rewrites.consents.forgetApp(next.id)
          return endLost(write)
        },
        { durable: true },
      ),

    forgetRemovedBefore: async (at) => {
      for (const app of await deps.store.list()) {
        if (app.removedAt !== undefined && app.removedAt < at) await deps.rewrites.apps.delete(app.id)
      }
    },
  }
}

/** True when somebody who could open the app before may not any more. */
function isNarrower(before: AppAccess, after: AppAccess): boolean {
  if (after.kind === 'everyone') return false
  return before.kind === 'everyone' || before.groups.some((group) => !after.groups.includes(group))
}
