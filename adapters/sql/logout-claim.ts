import { type RawBuilder, sql } from 'kysely'
import type { LogoutDeliveryRow } from './schema.ts'

/**
 * Leases due deliveries so that apps take turns, in one statement that is right on every engine.
 *
 * `waiting` walks the apps that have something pending, one index seek each, because a scan by due time would read through the
 * whole queue of an app that has been down for a day before it came to anyone else. `turns` numbers the earliest of each app
 * behind what is under lease already; first turns of all apps come before second turns of any. The outer conditions decide when two
 * processes picked the same row: the second finds it due no more.
 */
export function claimStatement(of: {
  readonly tenant: string
  readonly node: string
  readonly now: number
  readonly leaseUntil: number
  readonly limit: number
  readonly perApp: number
}): RawBuilder<LogoutDeliveryRow> {
  const { tenant, node, now, leaseUntil, limit, perApp } = of
  return sql<LogoutDeliveryRow>`
    with recursive
      waiting(app_id) as (
        select min(app_id) from logout_deliveries where tenant = ${tenant} and state = 'pending'
        union all
        select (
          select min(later.app_id) from logout_deliveries as later
          where later.tenant = ${tenant} and later.state = 'pending' and later.app_id > waiting.app_id
        ) from waiting where waiting.app_id is not null
      ),
      turns as (
        select due.id, due.due_at,
          row_number() over (partition by due.app_id order by due.due_at, due.id) + (
            select count(*) from logout_deliveries as leased
            where leased.tenant = ${tenant} and leased.app_id = waiting.app_id
              and leased.lease_by is not null and leased.due_at > ${now}
          ) as turn
        from waiting
        join logout_deliveries as due on due.tenant = ${tenant} and due.id in (
          select earliest.id from logout_deliveries as earliest
          where earliest.tenant = ${tenant} and earliest.app_id = waiting.app_id
            and earliest.state = 'pending' and earliest.due_at <= ${now}
          order by earliest.due_at limit ${perApp}
        )
      ),
      picked as (select id from turns where turn <= ${perApp} order by turn, due_at limit ${limit})
    update logout_deliveries set due_at = ${leaseUntil}, lease_by = ${node}, attempts = attempts + 1
    where tenant = ${tenant} and state = 'pending' and due_at <= ${now} and id in (select id from picked)
    returning *`
}
