/**
 * API keys: what operators do to them, and whom one that is shown speaks for.
 *
 * Owns: that a key is made, shown once and revoked with a line in the audit trail. Relies on: ApiKeyStore.
 * Never: keeps a key. It has 256 bits, so its SHA-256 is what is stored and looked up.
 */
import { parseName } from '../accounts/directory.ts'
import type { AccountStore } from '../accounts/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import { type Clock, minuteMs } from '../kernel/clock.ts'
import { digest } from '../kernel/digest.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type ApiKeyId, newId } from '../kernel/ids.ts'
import { newSecret, type Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import { type Administrator, requireAdministrator } from './administrator.ts'
import { type ApiKey, type ApiScope, apiKeyState } from './api-key.ts'
import type { ApiKeyStore } from './store.ts'

export interface ApiKeyCommandsDeps {
  readonly accounts: Pick<AccountStore, 'find'>
  readonly apiKeys: ApiKeyStore
  readonly transaction: Transaction
  readonly audit: AppendAudit
  readonly clock: Clock
  readonly random: Random
}

export interface NewApiKey {
  readonly name: string
  readonly scopes: readonly ApiScope[]
  /** How long it works; until it is revoked unless given. */
  readonly expiresInMs?: number
}

/** Every command throws GatewayError `forbidden` for who may not. */
export interface ApiKeyCommands {
  /** `secret` is shown now or never. Throws `input_invalid` for a name or scopes that make no sense. */
  create(of: NewApiKey, by: Administrator): Promise<{ readonly key: ApiKey; readonly secret: string }>
  /** From then on it opens nothing. Throws `api_key_not_found`; a key that was revoked before stays as it is. */
  revoke(id: ApiKeyId, by: Administrator): Promise<void>
  /** The live key that a program shows, and notes that it was used. Undefined: unknown, revoked or expired, all alike. */
  authenticate(secret: string): Promise<ApiKey | undefined>
}

/** Says in any file, log or chat what was left there, and lets scanners find it. */
const prefix = 'gh_'
const wellFormed = /^gh_[A-Za-z0-9_-]{43}$/
/** A program a key: whoever has more than this hands them out without revoking them. */
const maxLive = 500

/** Creates the commands. */
export function createApiKeyCommands(deps: ApiKeyCommandsDeps): ApiKeyCommands {
  const { accounts, apiKeys, transaction, audit, clock } = deps
  const command = <Result>(by: Administrator, work: () => Promise<Result>): Promise<Result> =>
    transaction.run(
      async () => {
        await requireAdministrator(accounts, by)
        return work()
      },
      { durable: true },
    )

  return {
    create: async (of, by) => {
      const now = clock.now()
      const secret = `${prefix}${newSecret(deps.random)}`
      const key: ApiKey = {
        id: newId('apiKey', deps.random),
        name: parseName(of.name) ?? refuse('A name has 1 to 100 characters on one line.'),
        scopes:
          of.scopes.length === 0 ? refuse('A key without a scope opens nothing.') : [...new Set(of.scopes)],
        createdAt: now,
        createdBy: by,
        ...(of.expiresInMs === undefined ? {} : { expiresAt: now + of.expiresInMs }),
      }
      return command(by, async () => {
        const live = (await apiKeys.list()).filter((each) => apiKeyState(each, now) === 'live')
        if (live.length >= maxLive) refuse(`There are ${maxLive} keys. Revoke those that nothing uses.`)
        await apiKeys.insert(key, digest(secret))
        const { id: apiKeyId, name, scopes, expiresAt } = key
        await audit(
          {
            type: 'api-key.created',
            apiKeyId,
            name,
            scopes,
            ...(expiresAt === undefined ? {} : { expiresAt }),
          },
          { actor: by },
        )
        return { key, secret }
      })
    },

    revoke: (id, by) =>
      command(by, async () => {
        if ((await apiKeys.find(id)) === undefined) {
          throw new GatewayError('api_key_not_found', 'There is no such API key.')
        }
        if (await apiKeys.revoke(id, clock.now())) {
          await audit({ type: 'api-key.revoked', apiKeyId: id }, { actor: by })
        }
      }),

    authenticate: async (secret) => {
      if (!wellFormed.test(secret)) return undefined
      const key = await apiKeys.findByHash(digest(secret))
      const now = clock.now()
      if (key === undefined || apiKeyState(key, now) !== 'live') return undefined
      const unlessSince = now - minuteMs
      if (key.lastUsedAt === undefined || key.lastUsedAt < unlessSince) {
        await apiKeys.markUsed(key.id, now, unlessSince)
      }
      return key
    },
  }
}

function refuse(message: string): never {
  throw new GatewayError('input_invalid', message)
}
