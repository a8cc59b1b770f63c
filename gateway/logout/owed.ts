/**
 * What is owed to the app of a session that ends: one delivery a way of telling it.
 *
 * Relies on: Messenger for the ways, Pacer for when nobody waits. Never: leaves an app out that wants to hear of the cause; one that cannot
 * be told is owed the news all the same, or a report would not mention it.
 */

import type { DeliveryId, LogoutId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { AppSession } from '../sessions/app-session.ts'
import type { Cause } from '../sessions/cause.ts'
import type { ThroughBrowser } from '../sessions/ending.ts'
import type { AppDirectory } from './app-directory.ts'
import {
  browserAbsentWords,
  type Channel,
  type LogoutDelivery,
  noChannelWords,
  type Progress,
  type Way,
} from './delivery.ts'
import { carriedForMs } from './journey.ts'
import type { Messenger } from './messenger.ts'
import type { Pacer } from './pace.ts'

export interface OwedDeps {
  readonly apps: AppDirectory
  readonly messenger: Pick<Messenger, 'waysOf'>
  readonly pacer: Pacer
  readonly log: Log
  /** How long an app that does not answer is asked again. */
  readonly retryForMs: number
}

export interface Owing {
  readonly logoutId: LogoutId
  readonly cause: Cause
  /** Nobody waits for the apps to hear of it. */
  readonly paced: boolean
  readonly newDeliveryId: () => DeliveryId
  /** The browser of the session, where it has a part in this. */
  readonly through?: ThroughBrowser
}

/** None for an app that does not want to hear of this cause: it chose so, and its AppSession's own record says that it ended. */
export function deliveriesFor(
  deps: OwedDeps,
  session: AppSession,
  of: Owing,
  now: number,
): readonly LogoutDelivery[] {
  const app = deps.apps.find(session.appId)
  if (app !== undefined && app.logout.causes !== 'all' && !app.logout.causes.includes(of.cause)) return []
  const localSessionMs = app?.logout.localSessionMs
  return channelsFor(app === undefined ? [] : waysOf(deps, session), of.through).map((channel) => ({
    id: of.newDeliveryId(),
    logoutId: of.logoutId,
    appSessionId: session.id,
    appId: session.appId,
    accountId: session.accountId,
    sid: session.sid,
    channel,
    createdAt: now,
    attempts: 0,
    ...(localSessionMs === undefined ? {} : { mayLastUntil: now + localSessionMs }),
    progress: firstProgress(deps, channel, session, of, now),
  }))
}

/** True for what waits for the browser. */
export function isOwedThroughBrowser({ channel, progress }: LogoutDelivery): boolean {
  return channel === 'front-channel' && progress.state === 'pending'
}

/** One delivery a way. An app that the gateway tells itself is not also reported as one that no browser has told. */
function channelsFor(ways: readonly Way[], through: ThroughBrowser | undefined): readonly Channel[] {
  if (ways.length === 0) return ['none']
  const byBrowserToo = through !== undefined || !ways.includes('back-channel')
  return ways.filter((way) => way === 'back-channel' || byBrowserToo)
}

function firstProgress(
  deps: OwedDeps,
  channel: Channel,
  { appId }: AppSession,
  of: Owing,
  now: number,
): Progress {
  switch (channel) {
    case 'none':
      return { state: 'untellable', settledAt: now, reason: noChannelWords }
    case 'back-channel': {
      const dueAt = of.paced ? deps.pacer.dueAt(appId, now) : now
      return { state: 'pending', dueAt, giveUpAt: dueAt + deps.retryForMs, refusals: 0 }
    }
    case 'front-channel': {
      if (of.through === undefined) return { state: 'untellable', settledAt: now, reason: browserAbsentWords }
      const until = now + carriedForMs
      return { state: 'pending', dueAt: until, giveUpAt: until, refusals: 0 }
    }
    default:
      return channel satisfies never
  }
}

/**
 * A messenger that cannot make sense of an app's record must not keep a person signed in. Such a delivery is owed all the same, and
 * its attempts will show what is wrong.
 */
function waysOf(deps: OwedDeps, session: AppSession): readonly Way[] {
  try {
    return deps.messenger.waysOf(session)
  } catch (error) {
    deps.log.error('an app could not be asked for its logout channel', { appId: session.appId, error })
    return ['back-channel']
  }
}
