/**
 * What an app has asked for and the person has not answered yet.
 *
 * Owns: the question that an app's sign-out waits behind, in `Ephemeral`, bound to the browser that was sent here, because a handle in a
 * URL proves nothing. Never: ends anything. Losing one loses a question; the person is still signed in.
 */
import { z } from 'zod'
import { minuteMs } from '../kernel/clock.ts'
import { digest, sameSecret } from '../kernel/digest.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import { type AppId, parseAppId } from '../kernel/ids.ts'
import { newSecret, type Random } from '../kernel/random.ts'

export interface SignOutRequest {
  /** The app that asked; absent when it is not known for certain. */
  readonly appId?: AppId
  /** Where the app wants the person afterwards: a registered address, checked before it came here, with its `state`. */
  readonly continueTo?: string
}

export interface SignOutRequests {
  /** Remembers what an app asks for. The question is at `/sign-out?request=<handle>`. */
  ask(browser: string, request: SignOutRequest): Promise<string>
  /** What was asked; undefined when it is unknown, answered, over, or another browser's. */
  find(handle: string, browser: string): Promise<SignOutRequest | undefined>
  /** The same, for good: of any number of answers at once, one gets it. */
  take(handle: string, browser: string): Promise<SignOutRequest | undefined>
}

/** As long as a sign-in: a person answers, or has left. */
const requestMs = 10 * minuteMs

const space = 'sign-out-request'

/** Creates the keeper of requests. */
export function createSignOutRequests(deps: {
  readonly ephemeral: Ephemeral
  readonly random: Random
}): SignOutRequests {
  const { ephemeral, random } = deps
  const find: SignOutRequests['find'] = async (handle, browser) =>
    ofBrowser(await ephemeral.get(space, digest(handle)), browser)

  return {
    ask: async (browser, request) => {
      const handle = newSecret(random)
      await ephemeral.put(space, digest(handle), { ...request, browserHash: digest(browser) }, requestMs)
      return handle
    },
    find,
    take: async (handle, browser) => {
      // Looked at first: a handle that leaked into another browser must not use up what was asked in this one.
      if ((await find(handle, browser)) === undefined) return undefined
      return ofBrowser(await ephemeral.take(space, digest(handle)), browser)
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
