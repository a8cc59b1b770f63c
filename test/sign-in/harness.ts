import { join } from 'node:path'
import { createSqlAccountStore } from '#adapters/sql/accounts.ts'
import { createSqlAppStore } from '#adapters/sql/apps.ts'
import { createSqlConsentStore } from '#adapters/sql/consents.ts'
import { createSqlCredentialStore } from '#adapters/sql/credentials.ts'
import { createSqlEndJobStore } from '#adapters/sql/end-jobs.ts'
import { openEphemeral } from '#adapters/sql/ephemeral.ts'
import { createSqlJourneyStore } from '#adapters/sql/journeys.ts'
import { createSqlLogoutStore } from '#adapters/sql/logouts.ts'
import { createSqlSessionStore } from '#adapters/sql/sessions.ts'
import type { Account } from '#gateway/accounts/account.ts'
import { createAccount } from '#gateway/accounts/directory.ts'
import type { PasswordHasher } from '#gateway/accounts/password-hasher.ts'
import { createPasswords } from '#gateway/accounts/passwords.ts'
import { createAccountWrites } from '#gateway/administration/account-writes.ts'
import { createRemovePasskey } from '#gateway/administration/remove-passkey.ts'
import type { AuditEvent } from '#gateway/audit/event.ts'
import { digest } from '#gateway/kernel/digest.ts'
import { newSecret } from '#gateway/kernel/random.ts'
import { createEndSession } from '#gateway/logout/end-session.ts'
import { createPacer } from '#gateway/logout/pace.ts'
import { createSessionRegistry } from '#gateway/sessions/registry.ts'
import type { Wanted } from '#gateway/sign-in/attempt.ts'
import { createSignInParts } from '#gateway/sign-in/parts.ts'
import { createSetUpLinkMaker } from '#gateway/sign-in/set-up-link.ts'
import type { SignInOutcome, SignInRequest } from '#gateway/sign-in/sign-in.ts'
import { openTestDatabase, seededPause } from '#test/support/database.ts'
import { createManualClock } from '#test/support/manual-clock.ts'
import { createSoftwareAuthenticator, type SoftwareAuthenticator } from '#test/support/passkey.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { createMemoryLog } from '#test/support/silent-log.ts'

export const issuer = 'https://login.example.com'
export const goodPassword = 'correct horse battery'

/** A hasher without the cost: it counts what it is asked, and holds every answer back while `gate` is set. */
export function createCountingHasher() {
  const counted = { hashes: 0, verifications: 0 }
  const state: { gate?: Promise<void>; parameters: string } = { parameters: 'v2' }
  const hashOf = (parameters: string, password: string) => `fast$${parameters}$${digest(password)}`
  const hasher: PasswordHasher = {
    hash: async (password) => {
      counted.hashes++
      await state.gate
      return hashOf(state.parameters, password)
    },
    verify: async (passwordHash, password) => {
      counted.verifications++
      await state.gate
      return passwordHash === hashOf(passwordHash.split('$')[1] ?? '', password)
    },
    isCurrent: (passwordHash) => passwordHash.startsWith(`fast$${state.parameters}$`),
    dummyHash: 'fast$v2$nobody',
  }
  return { hasher, counted, state, hashOf }
}

export interface SignInTestOptions {
  /** Statements await at random between one another (DECISIONS 34). */
  readonly seed?: number
  readonly maxPerAccount?: number
  readonly cores?: number
}

/** The whole of sign-in over real stores, with a clock moved by hand. */
export async function openSignIn(options: SignInTestOptions = {}) {
  const clock = createManualClock()
  const random = createSeededRandom('sign-in')
  const seeded = options.seed === undefined ? {} : { seed: options.seed }
  const database = await openTestDatabase(seeded)
  const ephemeral = openEphemeral({
    file: join(database.folder, 'ephemeral.db'),
    clock,
    ...(options.seed === undefined ? {} : { pause: seededPause(options.seed + 1) }),
  })
  const accounts = createSqlAccountStore(database, 'default')
  const credentials = createSqlCredentialStore(database, 'default')
  const sessions = createSqlSessionStore(database, 'default')
  const { hasher, counted, state, hashOf } = createCountingHasher()
  const { log, lines } = createMemoryLog()
  const events: AuditEvent[] = []
  const append = async (event: AuditEvent) => void events.push(event)
  const endSession = createEndSession({
    sessions,
    tokens: {
      revokeOfAppSessions: async () => {},
      revokeOffline: async () => [],
      listOffline: async () => [],
      deleteExpired: async () => 0,
    },
    logouts: createSqlLogoutStore(database, 'default'),
    jobs: createSqlEndJobStore(database, 'default'),
    endings: { add: () => {} },
    pacer: createPacer(20),
    journeys: createSqlJourneyStore(database, 'default'),
    audit: { appendAll: async (all) => void events.push(...all) },
    apps: { find: () => undefined },
    messenger: { waysOf: () => [] },
    transaction: database.transaction,
    changes: { announce: async () => {} },
    clock,
    random,
    log,
    retryForMs: 1_000,
    wake: () => {},
  })
  const registry = createSessionRegistry({
    store: sessions,
    transaction: database.transaction,
    clock,
    random,
    policy: {
      idleMs: 8 * 3_600_000,
      absoluteMs: 24 * 3_600_000,
      rememberedAbsoluteMs: 30 * 24 * 3_600_000,
      activity: ['authorize', 'refresh'],
      rotateSecretMs: 600_000,
    },
    appPolicy: () => ({}),
    endSession,
    rotationKey: Buffer.alloc(32, 1),
    onReplay: async () => {},
  })
  const passwords = createPasswords({ hasher, cores: options.cores ?? 2 })
  const createSetUpLink = createSetUpLinkMaker({ accounts, append, ephemeral, clock, random })
  const accountWrites = createAccountWrites({
    accounts,
    credentials,
    rewrites: { accounts, credentials, consents: createSqlConsentStore(database, 'default') },
    apps: createSqlAppStore(database, 'default'),
    sessions,
    tokens: { listOffline: async () => [] },
    endSession,
    transaction: database.transaction,
    clock,
  })
  const parts = createSignInParts({
    accounts,
    credentials,
    sessions,
    registry,
    endSession,
    removePasskey: createRemovePasskey({ accountWrites, append }),
    passwords,
    ephemeral,
    append,
    transaction: database.transaction,
    clock,
    random,
    log,
    relyingParty: { issuer, name: 'Example' },
    maxPerAccount: options.maxPerAccount ?? 0,
  })
  const { signIn, passkeys } = parts

  /** One browser: its binding cookie, its address, and what a person does in it. */
  const openBrowser = (of: { readonly address?: string } = {}) => {
    const browser = newSecret(random)
    const address = of.address ?? '192.0.2.7'
    const request = (handle: string, more: Partial<SignInRequest> = {}): SignInRequest => ({
      handle,
      browser,
      address,
      userAgent: 'Test',
      remember: false,
      ...more,
    })
    const begin = (wanted: Wanted = {}, resumePath = '/') =>
      signIn.begin({ resumePath, browser, address, wanted })
    return {
      browser,
      begin,
      request,
      /** A fresh attempt, finished with a password. */
      withPassword: async (email: string, password: string, more: Partial<SignInRequest> = {}) =>
        signIn.withPassword({ ...request(await begin(), more), email, password }),
      /** A fresh attempt, finished with the newest passkey of this authenticator. */
      withPasskey: async (authenticator: SoftwareAuthenticator, more: Partial<SignInRequest> = {}) => {
        const handle = await begin()
        const response = authenticator.assert(await optionsFor(handle))
        return signIn.withPasskey({ ...request(handle, more), response })
      },
      optionsFor: (handle: string) => optionsFor(handle),
    }
    async function optionsFor(handle: string) {
      const asked = await signIn.passkeyOptions({ handle, browser, address: of.address ?? '192.0.2.7' })
      if (asked === undefined) throw new Error('The attempt is over.')
      return asked
    }
  }

  const addAccount = async (
    of: Partial<Parameters<typeof createAccount>[0]> & { readonly password?: string } = {},
  ): Promise<Account> => {
    const account = createAccount({ email: 'ada@example.com', name: 'Ada', ...of }, clock.now(), random)
    const password = of.password ?? goodPassword
    await accounts.insert(account, { passwordHash: hashOf(state.parameters, password) })
    return (await accounts.find(account.id)) ?? account
  }

  /** Signs in with the password and registers a passkey in that session. */
  const addPasskey = async (
    account: Account,
    authenticator: SoftwareAuthenticator = createSoftwareAuthenticator({ origin: issuer }),
  ) => {
    const session = await beginSession(account)
    const asked = await passkeys.registrationOptions(session)
    if (asked.kind !== 'options') throw new Error(`No options: ${asked.kind}`)
    const outcome = await passkeys.register(session, authenticator.register(asked.options))
    if (outcome.kind !== 'added') throw new Error(`Not added: ${outcome.kind}`)
    return { authenticator, session, credential: outcome.credential }
  }

  /** A session of this account, as strong as its passkeys make one, without going through sign-in. */
  const beginSession = async (account: Account) => {
    const held = await credentials.listByAccount(account.id)
    const { session } = await database.transaction.run(
      () =>
        registry.begin({
          accountId: account.id,
          authentication: {
            methods: ['password'],
            amr: ['pwd'],
            acr: held.length === 0 ? 'urn:gatehouse:acr:1' : 'urn:gatehouse:acr:2',
            credentialIds: [],
            at: clock.now(),
          },
          remembered: false,
          address: '192.0.2.7',
          userAgent: 'Test',
        }),
      { durable: true },
    )
    return session
  }

  return {
    ...parts,
    createSetUpLink,
    clock,
    random,
    accounts,
    credentials,
    sessions,
    registry,
    endSession,
    passwords,
    ephemeral,
    transaction: database.transaction,
    counted,
    hasherState: state,
    hashOf,
    events,
    logged: lines,
    openBrowser,
    addAccount,
    addPasskey,
    beginSession,
    [Symbol.asyncDispose]: async () => {
      await ephemeral[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
      clock[Symbol.dispose]()
    },
  }
}

export type SignInTest = Awaited<ReturnType<typeof openSignIn>>

export function signedIn(outcome: SignInOutcome): Extract<SignInOutcome, { kind: 'signed-in' }> {
  if (outcome.kind !== 'signed-in') throw new Error(`Not signed in: ${outcome.kind}`)
  return outcome
}
