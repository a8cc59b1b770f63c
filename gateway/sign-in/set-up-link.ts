/**
 * The link that the first start prints: 256 bits, stored hashed, good once and for half an hour (DECISIONS 41).
 *
 * Owns: the link's life. It is kept where every process reads it, so that a command can print one for a running server. Never:
 * decides whether a link that is shown may still be used; that is `set-up`.
 */
import { z } from 'zod'
import type { AccountStore } from '../accounts/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import { type Clock, minuteMs } from '../kernel/clock.ts'
import { digest } from '../kernel/digest.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import { newSecret, type Random } from '../kernel/random.ts'

/** As long as it takes to copy it from a terminal and to find a security key. */
export const setUpLinkMs = 30 * minuteMs
const space = 'set-up-link'

/** A link that this caller, and no other, may use up. */
export interface ClaimedLink {
  /** Lets it be used again, when nothing came of it. */
  giveBack(): Promise<void>
}

export interface SetUpLinksDeps {
  readonly ephemeral: Ephemeral
  readonly clock: Clock
  readonly random: Random
}

/** Creates the keeper of links. */
export function createSetUpLinks({ ephemeral, clock, random }: SetUpLinksDeps) {
  return {
    /** A fresh link's token. */
    issue: async (): Promise<string> => {
      const token = newSecret(random)
      await ephemeral.put(space, digest(token), clock.now() + setUpLinkMs, setUpLinkMs)
      return token
    },

    isGood: async (token: string): Promise<boolean> =>
      (await ephemeral.get(space, digest(token))) !== undefined,

    /** Takes the link out of use: of any number of calls at once, one gets it. */
    claim: async (token: string): Promise<ClaimedLink | undefined> => {
      const id = digest(token)
      const endsAt = z.number().safeParse(await ephemeral.take(space, id))
      if (!endsAt.success) return undefined
      return {
        giveBack: async () => {
          const ttlMs = endsAt.data - clock.now()
          if (ttlMs >= 1) await ephemeral.add(space, id, endsAt.data, ttlMs)
        },
      }
    },
  }
}

/** Creates the maker of links: a fresh one's token, or undefined once an operator exists. */
export function createSetUpLinkMaker(
  deps: SetUpLinksDeps & {
    readonly accounts: Pick<AccountStore, 'anyOperator'>
    readonly append: AppendAudit
  },
): () => Promise<string | undefined> {
  const links = createSetUpLinks(deps)
  return async () => {
    if (await deps.accounts.anyOperator()) return undefined
    const token = await links.issue()
    await deps.append({ type: 'set-up-link.created' }, { actor: { kind: 'gateway' } })
    return token
  }
}
