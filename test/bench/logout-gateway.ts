/** The gateway as `serve` runs it, with so many apps, and one person who has all of them open. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { loadConfig } from '#config/load.ts'
import { compose } from '#gateway/compose.ts'
import { type AccountId, type AppId, newId, type SsoSessionId } from '#gateway/kernel/ids.ts'
import { newSecret } from '#gateway/kernel/random.ts'
import { oneFactor } from '#gateway/sessions/assurance.ts'
import { cpuMs, monotonicMs, serveAsChild } from './child.ts'
import { clientSecret, redirectUri } from './clients.ts'
import { atOnce, type Told } from './logout-told.ts'
import { person } from './person.ts'

/** Asked no more often than this whether all is written, so that asking is no part of the cost. */
const lookEveryMs = 5

const [alg, ...urls] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
const file = join(folder, 'gatehouse.yaml')
const appIds = urls.map((_, at) => `app-${at}` as AppId)
writeFileSync(
  file,
  stringify({
    issuer: 'http://localhost:10000',
    data_dir: join(folder, 'data'),
    log: { level: 'error' },
    logout: { at_once: atOnce },
    accounts: [person],
    apps: urls.map((url, at) => ({
      id: appIds[at],
      first_party: true,
      oidc: {
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        backchannel_logout_uri: url,
        id_token_signed_response_alg: alg,
      },
    })),
  }),
)
const { config } = loadConfig({ file, environment: {}, workingDirectory: folder })
const gateway = await compose(config)
await gateway.commands.applyDeclared()
gateway.start()

/** A session that has joined the first `count` apps, as signing in and opening them one after the other would have left it. */
async function signIn(count: number): Promise<SsoSessionId> {
  const { clock, random, sessions, transaction } = gateway
  const accountId = person.id as AccountId
  return transaction.run(
    async () => {
      const { session } = await sessions.begin({
        accountId,
        authentication: {
          methods: ['password'],
          amr: ['pwd'],
          acr: oneFactor,
          credentialIds: [],
          at: clock.now(),
        },
        remembered: false,
        address: '127.0.0.1',
        userAgent: 'bench',
      })
      for (const appId of appIds.slice(0, count)) {
        const id = newId('appSession', random)
        await sessions.join({ id, ssoSessionId: session.id, accountId, appId, sid: newSecret(random) })
      }
      return session.id
    },
    { durable: true },
  )
}

async function untilSealed(): Promise<void> {
  while ((await gateway.stores.audit.unsealed(1)).length > 0) await sleep(lookEveryMs)
}

serveAsChild<number, Told>(
  'ready',
  async (count) => {
    const session = await signIn(count)
    await untilSealed()
    const beganAt = monotonicMs()
    const { logoutId } = await gateway.endSession({ kind: 'sso-sessions', ids: [session] }, 'account', {
      kind: 'account',
      accountId: person.id as AccountId,
    })
    const acknowledgedAt = monotonicMs()
    const cpuAtEnd = cpuMs()
    if (logoutId === undefined) throw new Error('nothing was ended')
    while ((await gateway.stores.logouts.find(logoutId))?.settledAt === undefined) await sleep(lookEveryMs)
    const cpuAtSettled = cpuMs()
    await untilSealed()
    return {
      acknowledgedAt,
      endingMs: acknowledgedAt - beganAt,
      tellingCpuMs: cpuAtSettled - cpuAtEnd,
      sealingCpuMs: cpuMs() - cpuAtSettled,
    }
  },
  async () => {
    await gateway[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  },
)
