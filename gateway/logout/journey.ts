/**
 * A sign-out on its way through one browser.
 *
 * Owns: the question an app's sign-out waits behind, and which browser may watch what became of a Logout. Both live in `Ephemeral`,
 * bound to the browser that began, because the names in their URLs prove nothing.
 * Never: ends anything; the door does, before a journey begins. Losing these entries loses a page, never a logout.
 */
import { z } from 'zod'
import { dayMs, minuteMs } from '../kernel/clock.ts'
import { digest, sameSecret } from '../kernel/digest.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import { type AppId, type LogoutId, parseAppId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { newSecret, type Random } from '../kernel/random.ts'

/** What an app has asked for and the person has not answered yet. */
export interface SignOutRequest {
  /** The app that asked; absent when it is not known for certain. */
  readonly appId?: AppId
  /** Where the app wants the person afterwards: a registered address, checked before it came here, with its `state`. */
  readonly continueTo?: string
}

/** A Logout that a browser watches. */
export interface Journey {
  readonly logoutId: LogoutId
  readonly appId?: AppId
  readonly continueTo?: string
}

export interface Journeys {
  /** Remembers what an app asks for. The question is at `/sign-out?request=<handle>`. */
  ask(browser: string, request: SignOutRequest): Promise<string>
  /** What was asked; undefined when it is unknown, answered, over, or another browser's. */
  findRequest(handle: string, browser: string): Promise<SignOutRequest | undefined>
  /** The same, for good: of any number of answers at once, one gets it. */
  takeRequest(handle: string, browser: string): Promise<SignOutRequest | undefined>
  /**
   * Lets this browser watch the Logout, and says where: `/sign-out/<logout id>`. Never throws: the session has ended by now, and a
   * page that could not be kept must not make that look like a failure. Then it says `/sign-out`, which tells no more than that.
   */
  begin(browser: string, journey: Journey): Promise<string>
  /** Undefined for every other browser, and for one that never began it. */
  find(id: LogoutId, browser: string): Promise<Journey | undefined>
}

/** As long as a sign-in: a person answers, or has left. */
const requestMs = 10 * minuteMs
/** Somebody who comes back to the tab next morning still sees what became of it; later the account's history tells. */
const journeyMs = dayMs

const requestSpace = 'sign-out-request'
const journeySpace = 'sign-out-journey'

/** Creates the keeper of journeys. */
export function createJourneys(deps: {
  readonly ephemeral: Ephemeral
  readonly random: Random
  readonly log: Log
}): Journeys {
  const { ephemeral, random, log } = deps
  const findRequest = async (handle: string, browser: string): Promise<SignOutRequest | undefined> =>
    ofBrowser(await ephemeral.get(requestSpace, digest(handle)), browser)

  return {
    ask: async (browser, request) => {
      const handle = newSecret(random)
      await ephemeral.put(
        requestSpace,
        digest(handle),
        { ...request, browserHash: digest(browser) },
        requestMs,
      )
      return handle
    },
    findRequest,
    takeRequest: async (handle, browser) => {
      // Looked at first: a handle that leaked into another browser must not use up what was asked in this one.
      if ((await findRequest(handle, browser)) === undefined) return undefined
      return ofBrowser(await ephemeral.take(requestSpace, digest(handle)), browser)
    },
    begin: async (browser, { logoutId, ...journey }) => {
      try {
        await ephemeral.put(journeySpace, logoutId, { ...journey, browserHash: digest(browser) }, journeyMs)
        return `/sign-out/${logoutId}`
      } catch (error) {
        log.error('a sign-out cannot be followed by the person who asked for it', { logoutId, error })
        return '/sign-out'
      }
    },
    find: async (id, browser) => {
      const journey = ofBrowser(await ephemeral.get(journeySpace, id), browser)
      return journey === undefined ? undefined : { ...journey, logoutId: id }
    },
  }
}

const stored = z.object({
  browserHash: z.string(),
  appId: z.custom<AppId>((value) => parseAppId(value) !== undefined).exactOptional(),
  continueTo: z.string().exactOptional(),
})

function ofBrowser(value: unknown, browser: string): SignOutRequest | undefined {
  if (value === undefined) return undefined
  const { browserHash, ...rest } = stored.parse(value)
  return sameSecret(browserHash, digest(browser)) ? rest : undefined
}
