/**
 * A sign-out on its way through one browser.
 *
 * Owns: which browser may watch a Logout, which apps it still has to tell, and what its word counts for. A journey is a row, written with
 * the end that it follows: a reload, the back button, a second tab, a crash or a restart find what is left to do. Relies on:
 * LogoutStore for the deliveries, BrowserMessenger for what the browser loads.
 * Never: ends anything, or takes a page that loaded for an app that acted.
 */
import type { AuditTrail } from '../audit/trail.ts'
import { type Clock, dayMs, minuteMs } from '../kernel/clock.ts'
import { digest, sameSecret } from '../kernel/digest.ts'
import type { AppId, DeliveryId, LogoutId } from '../kernel/ids.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { ThroughBrowser } from '../sessions/ending.ts'
import { settledEvent } from './booking.ts'
import { browserGoneWords, type LogoutDelivery } from './delivery.ts'
import type { Journey, JourneyStore } from './journey-store.ts'
import type { BrowserMessenger } from './messenger.ts'
import type { DeliveryMeter } from './meter.ts'
import type { LogoutStore } from './store.ts'
import type { WebhookOutbox } from './webhook-outbox.ts'

/**
 * For so long a browser may come back and tell what it has not told. Not for longer: by then the person may have signed in at the app
 * again, and an app that looks at its cookie alone would end the new session.
 */
export const carriedForMs = 10 * minuteMs
/** Somebody who comes back to the tab next morning still sees what became of it; later the account's history tells. */
const watchedForMs = dayMs

/** One app that the browser is to tell, and what it loads for that. */
export interface Frame {
  readonly deliveryId: DeliveryId
  readonly address: string
}

export interface Journeys {
  /** The journey of this Logout in this browser; undefined for every other browser, and when it is over. */
  find(id: LogoutId, browser: string): Promise<Journey | undefined>
  /** The newest journey of this browser on which it has an app left to tell. */
  findOpen(browser: string): Promise<Journey | undefined>
  /** What is left to load. Apps of `openedAgain` are left out: they would be signed out of what has begun since. */
  framesOf(journey: Journey, openedAgain: ReadonlySet<AppId>): Promise<readonly Frame[]>
  /** The browser says that these have loaded: they are `sent`. What is not its to say is passed over. Returns how many it changed. */
  loaded(journey: Journey, deliveries: readonly DeliveryId[]): Promise<number>
  /** Settles up to `limit` of what browsers have left undone until their time was over. Returns how many. For the sweeper. */
  giveUp(limit: number): Promise<number>
}

export interface JourneysDeps {
  readonly journeys: JourneyStore
  readonly logouts: Pick<LogoutStore, 'deliveriesOf' | 'markSent' | 'giveUpCarried'>
  readonly browserMessenger: BrowserMessenger
  readonly audit: Pick<AuditTrail, 'appendAll'>
  readonly transaction: Transaction
  readonly clock: Clock
  readonly meter?: Pick<DeliveryMeter, 'settled'>
  /** Absent where nobody wants to hear of failures. */
  readonly outbox?: Pick<WebhookOutbox, 'deliveriesSettled'>
}

/** The row that the door writes with the end. */
export function journeyOf(logoutId: LogoutId, through: ThroughBrowser, now: number): Journey {
  const { browser, appId, continueTo } = through
  return {
    logoutId,
    browserHash: digest(browser),
    ...(appId === undefined ? {} : { appId }),
    ...(continueTo === undefined ? {} : { continueTo }),
    startedAt: now,
    expiresAt: now + watchedForMs,
  }
}

/** Creates the keeper of journeys. */
export function createJourneys(deps: JourneysDeps): Journeys {
  const { journeys, logouts, clock } = deps

  const isCarried = ({ channel, progress }: LogoutDelivery): boolean =>
    channel === 'front-channel' && progress.state === 'pending' && progress.dueAt > clock.now()

  /** The change and its lines in the trail commit together. */
  const settle = async (change: () => Promise<readonly LogoutDelivery[]>): Promise<number> => {
    const settled = await deps.transaction.run(async () => {
      const changed = await change()
      await deps.audit.appendAll(changed.flatMap(settledEvent), { actor: { kind: 'gateway' } })
      await deps.outbox?.deliveriesSettled(changed)
      return changed
    })
    for (const { progress } of settled) if (progress.state !== 'pending') deps.meter?.settled(progress.state)
    return settled.length
  }

  return {
    find: async (id, browser) => {
      const journey = await journeys.find(id)
      if (journey === undefined || journey.expiresAt <= clock.now()) return undefined
      return sameSecret(journey.browserHash, digest(browser)) ? journey : undefined
    },

    findOpen: (browser) => journeys.findOpen(digest(browser), clock.now()),

    framesOf: async ({ logoutId }, openedAgain) =>
      (await logouts.deliveriesOf([logoutId]))
        .filter((delivery) => isCarried(delivery) && !openedAgain.has(delivery.appId))
        .flatMap((delivery) => {
          const address = deps.browserMessenger.frameOf(delivery)
          return address === undefined ? [] : [{ deliveryId: delivery.id, address }]
        }),

    loaded: ({ logoutId }, deliveries) => settle(() => logouts.markSent(logoutId, deliveries, clock.now())),

    giveUp: (limit) =>
      settle(() => logouts.giveUpCarried({ reason: browserGoneWords, now: clock.now(), limit })),
  }
}
