import { leavesOfflineAccess } from '../sessions/cause.ts'
import { coverageNow, type OpenEndings } from '../sessions/covered.ts'
import type { SessionStore, TokenStore } from '../sessions/store.ts'
import type { ArtifactStore } from './store.ts'

/**
 * Codes and tokens as everybody reads them: those of a session that an open ending covers are dead, what outlives sessions too unless
 * its cause leaves it, and none is added (DECISIONS 23). Costs nothing while no ending is open.
 */
export function createCoveredArtifacts(
  store: ArtifactStore & TokenStore,
  sessions: Pick<SessionStore, 'covered' | 'coveredApps'>,
  endings: OpenEndings,
): ArtifactStore & TokenStore {
  return {
    ...store,
    insert: async (token) => {
      const coverage = coverageNow(sessions, endings)
      const ended = await coverage?.ofApp({ id: token.appSessionId })
      return ended === undefined && store.insert(token)
    },
    beginOffline: async (access) => {
      const coverage = coverageNow(sessions, endings)
      const ended = await coverage?.ofApp({ id: access.appSessionId })
      return ended === undefined && store.beginOffline(access)
    },
    find: async (kind, id) => {
      const coverage = coverageNow(sessions, endings)
      const token = await store.find(kind, id)
      if (coverage === undefined || token === undefined) return token
      if (token.ended && token.offline === undefined) return token
      // Of its AppSession: what covers the SsoSession covers that. One that has ended before is covered too, if not marked by this.
      const ended = await coverage.ofApp(token.appSession, token.ssoSession.startedAt)
      if (ended === undefined) return token
      const { offline, ...rest } = token
      const isLeft = offline !== undefined && leavesOfflineAccess(ended.cause)
      return { ...rest, ended: true, ...(isLeft ? { offline } : {}) }
    },
  }
}
