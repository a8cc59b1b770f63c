/**
 * What a token request writes, all of it in one transaction after the engine has made up its mind: the code or refresh token is used
 * and the new tokens are there, or nothing has happened. A crash in between costs nobody their code, a loser of a race leaves nothing
 * behind, and a request waits for the disk once.
 */
import { errors, Provider } from 'oidc-provider'
import { digest } from '../kernel/digest.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type OfflineAccess, offlineEndsAt } from '../sessions/offline-access.ts'
import type { ArtifactsDeps } from './artifact.ts'
import { revokeGrant } from './artifact-grant.ts'
import { refreshSuccessor } from './refresh-successor.ts'
import type { FoundToken, StoredToken, TokenKind } from './store.ts'
import { touchRefreshed } from './token-activity.ts'

/** The code or refresh token that the request redeems: its value, and what was found under it. */
export interface Redeemed {
  readonly value: string
  readonly token: FoundToken
}

interface Writes {
  redeemed?: Redeemed
  offline?: { readonly startedAt?: number }
  readonly tokens: StoredToken[]
}

export interface TokenWrites {
  redeem(redeemed: Redeemed): void
  add(token: StoredToken): void
  /** What is redeemed becomes an offline access. */
  beginOffline(): void
  /** What is redeemed belongs to one. */
  useOffline(offline: Pick<OfflineAccess, 'startedAt'>): void
  /** True when a used refresh token may be answered once more: a lost answer, asked for again at once (DECISIONS 12). */
  mayBeGivenAgain(kind: TokenKind, value: string, consumedAt: number): Promise<boolean>
  /** Writes what the current request has gathered. Throws the engine's InvalidGrant when another request was first, or the session ended. */
  commit(): Promise<void>
}

/** Creates the gatherer. */
export function createTokenWrites(deps: ArtifactsDeps): TokenWrites {
  const { store, clock } = deps
  const byRequest = new WeakMap<object, Writes>()

  const ofRequest = (): Writes => {
    const ctx = Provider.ctx
    if (ctx === undefined) throw new GatewayError('internal', 'A token was stored outside a request.')
    const writes = byRequest.get(ctx) ?? { tokens: [] }
    byRequest.set(ctx, writes)
    return writes
  }

  const mayBeGivenAgain: TokenWrites['mayBeGivenAgain'] = async (kind, value, consumedAt) => {
    if (kind !== 'RefreshToken' || clock.now() >= consumedAt + deps.refreshGraceMs) return false
    const successor = await store.find(kind, digest(refreshSuccessor(deps.successorKey, value)))
    return successor?.consumedAt === undefined
  }

  /**
   * Uses what is redeemed. `replayed`: another request was first, and this is not a lost answer asked for again. `ended`: it was revoked
   * since it was found, which is nobody's replay.
   */
  const use = async ({ value, token }: Redeemed): Promise<'used' | 'replayed' | 'ended'> => {
    const { kind, id } = token
    if (await store.consume(kind, id, clock.now())) return 'used'
    const now = await store.find(kind, id)
    if (now === undefined) return 'ended'
    if (now.consumedAt === undefined || !(await mayBeGivenAgain(kind, value, now.consumedAt)))
      return 'replayed'
    const { appId, accountId } = token.appSession
    await deps.audit(
      { type: 'refresh-token.given-again', appId, accountId },
      { actor: { kind: 'app', appId } },
    )
    return 'used'
  }

  /** Before its tokens, which may be stored under it alone. False: the session has ended, and a new access begins in one only. */
  const noteOffline = async (
    { token }: Redeemed,
    { startedAt }: { startedAt?: number },
  ): Promise<boolean> => {
    const now = clock.now()
    const { grantId, appSessionId } = token
    const expiresAt = offlineEndsAt({ startedAt: startedAt ?? now, lastUsedAt: now }, deps.offlinePolicy)
    if (startedAt !== undefined) {
      await store.useOffline(grantId, now, expiresAt)
      return true
    }
    if (!(await store.beginOffline({ grantId, appSessionId, at: now, expiresAt }))) return false
    const { appId, accountId } = token.appSession
    await deps.audit({ type: 'offline-access.started', accountId, appId }, { actor: { kind: 'app', appId } })
    return true
  }

  const write = async ({ redeemed, offline, tokens }: Writes): Promise<'written' | 'replayed' | 'ended'> => {
    const used = redeemed === undefined ? 'used' : await use(redeemed)
    if (used !== 'used') return used
    if (redeemed !== undefined && offline !== undefined && !(await noteOffline(redeemed, offline)))
      return 'ended'
    for (const token of tokens) if (!(await store.insert(token))) return 'ended'
    if (redeemed?.token.kind === 'RefreshToken') await touchRefreshed(deps, redeemed.token)
    return 'written'
  }

  return {
    redeem: (redeemed) => {
      ofRequest().redeemed = redeemed
    },
    add: (token) => {
      ofRequest().tokens.push(token)
    },
    beginOffline: () => {
      ofRequest().offline = {}
    },
    useOffline: ({ startedAt }) => {
      ofRequest().offline = { startedAt }
    },
    mayBeGivenAgain,
    commit: async () => {
      const ctx = Provider.ctx
      const writes = ctx === undefined ? undefined : byRequest.get(ctx)
      if (ctx === undefined || writes === undefined) return
      byRequest.delete(ctx)
      const outcome = await deps.transaction.run(() => write(writes), { durable: true })
      if (outcome === 'written') return
      const { redeemed } = writes
      // Both were read before either was used, so the engine saw no replay: it is one all the same (DECISIONS 13).
      if (outcome === 'replayed' && redeemed !== undefined) {
        await revokeGrant(deps, redeemed.token.grantId, redeemed.token.appSession)
      }
      throw new errors.InvalidGrant(outcome === 'ended' ? 'the session has ended' : 'it was used already')
    },
  }
}
