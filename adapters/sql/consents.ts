import { type Consent, merged } from '#gateway/apps/consent.ts'
import type { ConsentRemovals, ConsentStore } from '#gateway/apps/store.ts'
import { GatewayError } from '#gateway/kernel/errors.ts'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'
import type { SqlDatabase } from './open.ts'
import type { ConsentRow } from './schema.ts'

/** Each lost round means another tab's agreement was written in between; nobody has this many tabs. */
const maxRounds = 20

export function createSqlConsentStore(database: SqlDatabase, tenant: string): ConsentStore & ConsentRemovals {
  const rowOf = (accountId: AccountId, appId: AppId) =>
    database
      .q()
      .selectFrom('consents')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('account_id', '=', accountId)
      .where('app_id', '=', appId)
      .executeTakeFirst()

  const insert = (consent: Consent) =>
    database
      .q()
      .insertInto('consents')
      .values({
        tenant,
        account_id: consent.accountId,
        app_id: consent.appId,
        ...columnsOf(consent),
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('app_id')
      .executeTakeFirst()

  /** Only over the row as it was read: what another tab added meanwhile is not lost. */
  const replace = (was: ConsentRow, next: Consent) =>
    database
      .q()
      .updateTable('consents')
      .set(columnsOf(next))
      .where('tenant', '=', tenant)
      .where('account_id', '=', was.account_id)
      .where('app_id', '=', was.app_id)
      .where('scopes', '=', was.scopes)
      .where('claims', '=', was.claims)
      .returning('app_id')
      .executeTakeFirst()

  return {
    find: async (accountId, appId) => {
      const row = await rowOf(accountId, appId)
      return row === undefined ? undefined : toConsent(row)
    },

    grant: async (consent) => {
      for (let round = 0; round < maxRounds; round++) {
        const was = await rowOf(consent.accountId, consent.appId)
        const written =
          was === undefined
            ? await insert(merged(consent, consent))
            : await replace(was, merged(toConsent(was), consent))
        if (written !== undefined) return
      }
      throw new GatewayError('busy', 'Too much is happening at once. Try again.', { retryAfterSeconds: 1 })
    },

    forget: async (accountId, appId) => {
      const deleted = await database
        .q()
        .deleteFrom('consents')
        .where('tenant', '=', tenant)
        .where('account_id', '=', accountId)
        .where('app_id', '=', appId)
        .returning('app_id')
        .executeTakeFirst()
      return deleted !== undefined
    },

    listByAccount: async (accountId, limit) => {
      const rows = await database
        .q()
        .selectFrom('consents')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('account_id', '=', accountId)
        .orderBy('granted_at', 'desc')
        .orderBy('app_id')
        .limit(limit)
        .execute()
      return rows.map(toConsent)
    },

    forgetApp: async (appId) => {
      await database
        .q()
        .deleteFrom('consents')
        .where('tenant', '=', tenant)
        .where('app_id', '=', appId)
        .execute()
    },

    forgetAccount: async (accountId) => {
      await database
        .q()
        .deleteFrom('consents')
        .where('tenant', '=', tenant)
        .where('account_id', '=', accountId)
        .execute()
    },
  }
}

function columnsOf(consent: Consent) {
  return {
    scopes: JSON.stringify(consent.scopes),
    claims: JSON.stringify(consent.claims),
    granted_at: consent.grantedAt,
  }
}

function toConsent(row: ConsentRow): Consent {
  return {
    accountId: row.account_id as AccountId,
    appId: row.app_id as AppId,
    scopes: JSON.parse(row.scopes) as string[],
    claims: JSON.parse(row.claims) as string[],
    grantedAt: row.granted_at,
  }
}
