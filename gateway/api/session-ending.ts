/** The routes that end sessions: one, or all that a condition holds for. */
import { z } from 'zod'
import { type GivenSessionWhere, readSessionWhere } from '../administration/session-where.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { EndResult, SessionWhere } from '../sessions/ending.ts'
import type { ApiDeps } from './deps.ts'
import { type Operation, operation } from './operation.ts'
import { accountParameter, appParameter } from './parameters.ts'
import { accountNamed, findSession } from './sessions.ts'

const offlineAccesses = z
  .int()
  .describe(
    "How many apps' access while the person is away was revoked, also of sessions that had ended before.",
  )

const endedSchema = z.strictObject({
  logout_id: z.string().nullable().describe('The Logout that tells the apps: see `GET /logouts/{id}`.'),
  sessions: z.int().describe('How many sessions this call ended.'),
  app_sessions: z.int().describe('How many app sessions this call ended.'),
  offline_accesses: offlineAccesses,
})

const whereSchema = z
  .strictObject({
    account: accountParameter.optional(),
    app: appParameter.describe('An app that has an active session in it.').optional(),
    ip: condition('network', 'an IP address or a network').describe(
      'An IP address, or a network such as 192.0.2.0/24.',
    ),
    credential: condition('credential', 'the id of a passkey').describe(
      'A passkey that opened or strengthened it.',
    ),
    aaguid: condition('aaguid', 'an AAGUID').describe(
      'A model of passkeys; the same for every passkey of it.',
    ),
    started_before: condition('startedBefore', 'a date, or an instant with its offset').describe(
      'A date or an instant, such as 2026-03-02T12:00:00Z.',
    ),
    signed_in_by: condition('method', 'passkey or password').describe('`passkey` or `password`.'),
  })
  .describe('All conditions that are given must hold.')

const endManySchema = z.strictObject({
  where: whereSchema,
  everyone: z
    .literal(true)
    .optional()
    .describe('Takes the place of conditions; needed where there are none.'),
  dry_run: z.boolean().default(false).describe('True: only counts what would end.'),
})

const endedManySchema = z.strictObject({
  dry_run: z.boolean(),
  found: z
    .strictObject({ sessions: z.int(), app_sessions: z.int(), accounts: z.int(), apps: z.int() })
    .nullable()
    .describe('What would end; null when it was ended.'),
  logout_id: z.string().nullable().describe('Null when nothing was active.'),
  session_ids: z.array(z.string()),
  app_session_ids: z.array(z.string()),
  offline_accesses: offlineAccesses,
  continues: z
    .boolean()
    .describe(
      'True: they are so many that the ids follow. All of them have ended; their records and apps are worked through under the Logout.',
    ),
})

export function endingOperations(deps: ApiDeps): readonly Operation[] {
  return [endOne(deps), endMany(deps)]
}

function endOne(deps: ApiDeps): Operation {
  return operation({
    method: 'DELETE',
    path: '/sessions/{id}',
    operationId: 'endSession',
    summary: 'End a session; every app that was opened in it is told',
    description:
      'Of one that has ended before, `logout_id` is of the Logout that ended it, and the counts are 0.',
    scope: 'sessions:end',
    answer: { name: 'EndedSession', schema: endedSchema },
    handle: async ({ id, by }) => {
      const session = await findSession(deps, id)
      const ended = await deps.commands.sessions.end(session.id, by)
      const before = ended.logoutId === undefined ? await deps.sessionStore.find(session.id) : undefined
      return {
        logout_id: ended.logoutId ?? before?.ended?.logoutId ?? null,
        sessions: ended.ssoSessionIds.length,
        app_sessions: ended.appSessionIds.length,
        offline_accesses: ended.offlineAccesses ?? 0,
      }
    },
  })
}

function endMany(deps: ApiDeps): Operation {
  return operation({
    method: 'POST',
    path: '/sessions/end',
    operationId: 'endSessions',
    summary: 'End every session for which all conditions hold, or count them first',
    description: 'Yours is no exception. They have all ended when this answers, however many they are.',
    scope: 'sessions:end',
    body: { name: 'WhichSessions', schema: endManySchema },
    answer: { name: 'EndedSessions', schema: endedManySchema },
    handle: async ({ body, by }) => {
      const where = await whereOf(deps, body.where)
      const none = Object.keys(where).length === 0
      // A program whose only condition got lost on the way must not sign everybody out.
      if (body.everyone === undefined && none && !body.dry_run)
        throw unclear('Without a condition, say that you mean everyone.')
      if (body.everyone === true && !none) throw unclear('Say either everyone or a condition, not both.')
      return body.dry_run
        ? toCounted(await deps.commands.sessions.countWhere(where, by))
        : toEnded(await deps.commands.sessions.endWhere(where, by))
    },
  })
}

function unclear(message: string): GatewayError {
  return new GatewayError('input_invalid', message, { extension: { field: 'everyone' } })
}

async function whereOf(
  deps: ApiDeps,
  { account, app, ip, credential, aaguid, started_before, signed_in_by }: z.output<typeof whereSchema>,
): Promise<SessionWhere> {
  const accountId = account === undefined ? undefined : await accountNamed(deps, account)
  if (account !== undefined && accountId === undefined) {
    throw new GatewayError('account_not_found', 'There is no such account.')
  }
  return {
    ...(accountId === undefined ? {} : { account: accountId }),
    ...(app === undefined ? {} : { app }),
    ...ip,
    ...credential,
    ...aaguid,
    ...started_before,
    ...signed_in_by,
  }
}

/** A condition in the words in which operators give it everywhere; what cannot be read is refused, never left out. */
function condition(name: keyof GivenSessionWhere, expected: string) {
  return (
    z
      .string()
      // Blanks are no condition to whoever types, and would be left out.
      .regex(/\S/, expected)
      .transform((text, context): SessionWhere => {
        try {
          return readSessionWhere({ [name]: text })
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error
          context.addIssue({ code: 'custom', message: expected })
          return z.NEVER
        }
      })
      .optional()
  )
}

function toCounted(
  found: Awaited<ReturnType<ApiDeps['commands']['sessions']['countWhere']>>,
): z.input<typeof endedManySchema> {
  return {
    dry_run: true,
    found: {
      sessions: found.ssoSessions,
      app_sessions: found.appSessions,
      accounts: found.accounts,
      apps: found.apps,
    },
    logout_id: null,
    session_ids: [],
    app_session_ids: [],
    offline_accesses: 0,
    continues: false,
  }
}

function toEnded(ended: EndResult): z.input<typeof endedManySchema> {
  return {
    dry_run: false,
    found: null,
    logout_id: ended.logoutId ?? null,
    session_ids: [...ended.ssoSessionIds],
    app_session_ids: [...ended.appSessionIds],
    offline_accesses: ended.offlineAccesses ?? 0,
    continues: ended.continues === true,
  }
}
