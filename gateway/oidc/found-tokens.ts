import { Provider } from 'oidc-provider'
import type { FoundToken } from './store.ts'

/**
 * Tokens that the engine has found in the request it is working on, by grant. It asks for the Grant right after, and stores the next
 * token under it: both are answered from here, without another read.
 */
export interface FoundTokens {
  remember(token: FoundToken): void
  of(grantId: string): FoundToken | undefined
  /** By the digest of its value. */
  byId(id: string): FoundToken | undefined
}

export function createFoundTokens(): FoundTokens {
  const byRequest = new WeakMap<object, Map<string, FoundToken>>()
  const ofRequest = (): Map<string, FoundToken> | undefined => {
    const ctx = Provider.ctx
    return ctx === undefined ? undefined : byRequest.get(ctx)
  }
  return {
    remember: (token) => {
      const ctx = Provider.ctx
      if (ctx === undefined) return
      const tokens = byRequest.get(ctx) ?? new Map<string, FoundToken>()
      tokens.set(token.grantId, token)
      byRequest.set(ctx, tokens)
    },
    of: (grantId) => ofRequest()?.get(grantId),
    byId: (id) => {
      for (const token of ofRequest()?.values() ?? []) if (token.id === id) return token
      return undefined
    },
  }
}
