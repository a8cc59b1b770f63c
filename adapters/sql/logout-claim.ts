/**
 * Leasing due deliveries so that apps take turns. Three statements, each right on every engine.
 *
 * `claimEarliest` looks at the deliveries that have been due longest and takes the first of each app, then the second of each, and so
 * on. That is all there is to do unless one app that is down or slow fills everything it looks at; then `claimAcrossApps` walks the
 * apps instead, one index seek each, so the queue of one, however long, keeps nobody waiting. Both leave out apps whose breaker is open;
 * `claimProbes` takes one delivery of each of those whose time to be asked has come.
 *
 * What a browser carries is nobody's here. In all of them the outer conditions decide when two processes picked the same row: the second finds it due no more.
 */
import { type RawBuilder, sql } from 'kysely'
import type { LogoutDeliveryRow } from './schema.ts'

export interface ClaimOf {
  readonly tenant: string
  readonly node: string
  readonly now: number
  readonly leaseUntil: number
  readonly limit: number
  readonly perApp: number
}

/** What each app has under lease that has not run out: never more than are in flight, so it is counted whole. */
function leased({ tenant, now }: ClaimOf): RawBuilder<unknown> {
  return sql`
    select app_id, count(*) as leases from logout_deliveries
    where tenant = ${tenant} and lease_by is not null and due_at > ${now} group by app_id`
}

/** Apps whose breaker is open: a handful of rows in an index of their own. */
function blocked({ tenant }: ClaimOf): RawBuilder<unknown> {
  return sql`select app_id from app_health where tenant = ${tenant} and probe_at is not null`
}

/** The plus keeps the planner of SQLite from walking everything that is due: the few rows picked are found by their key. */
function lease({ tenant, node, now, leaseUntil }: ClaimOf): RawBuilder<LogoutDeliveryRow> {
  return sql<LogoutDeliveryRow>`
    update logout_deliveries set due_at = ${leaseUntil}, lease_by = ${node}, attempts = attempts + 1
    where tenant = ${tenant} and state = 'pending' and +due_at <= ${now} and id in (select id from picked)
    returning *`
}

/** Of the `window` earliest. */
export function claimEarliest(of: ClaimOf, window: number): RawBuilder<LogoutDeliveryRow> {
  return sql<LogoutDeliveryRow>`
    with
      earliest as (
        select id, app_id, due_at from logout_deliveries
        where tenant = ${of.tenant} and state = 'pending' and channel = 'back-channel' and due_at <= ${of.now}
        order by due_at limit ${window}
      ),
      leased as (${leased(of)}),
      turns as (
        select id, earliest.app_id, due_at, row_number() over (partition by earliest.app_id order by due_at, id) as place
        from earliest
      ),
      picked as (
        select turns.id from turns left join leased on leased.app_id = turns.app_id
        where place + coalesce(leases, 0) <= ${of.perApp} and turns.app_id not in (${blocked(of)})
        order by place + coalesce(leases, 0), due_at limit ${of.limit}
      )
    ${lease(of)}`
}

/**
 * Of all apps that have something due, the earliest few of each; apps whose queue is youngest first, because the oldest queues are what
 * `claimEarliest` serves. It costs a handful of index seeks for each app that waits and each of `few`.
 */
export function claimAcrossApps(of: ClaimOf, few: number): RawBuilder<LogoutDeliveryRow> {
  // One branch per place in the queue: a correlated subquery may have a fixed offset and not a varying one.
  const places = Array.from(
    { length: few },
    (_, before) => sql`
      select app_id, ${sql.lit(before + 1)} as place, (
        select queued.id from logout_deliveries as queued
        where queued.tenant = ${of.tenant} and queued.app_id = waiting.app_id
          and queued.state = 'pending' and queued.channel = 'back-channel' and queued.due_at <= ${of.now}
        order by queued.due_at limit 1 offset ${sql.lit(before)}
      ) as id from waiting where app_id is not null and app_id not in (${blocked(of)})`,
  )
  return sql<LogoutDeliveryRow>`
    with recursive
      waiting(app_id) as (
        select min(app_id) from logout_deliveries where tenant = ${of.tenant} and state = 'pending'
        union all
        select (
          select min(later.app_id) from logout_deliveries as later
          where later.tenant = ${of.tenant} and later.state = 'pending' and later.app_id > waiting.app_id
        ) from waiting where waiting.app_id is not null
      ),
      leased as (${leased(of)}),
      places as (${sql.join(places, sql` union all `)}),
      picked as (
        select due.id from places
        cross join logout_deliveries as due
        left join leased on leased.app_id = due.app_id
        where due.tenant = ${of.tenant} and due.id = places.id and place + coalesce(leases, 0) <= ${of.perApp}
        order by place + coalesce(leases, 0), due.due_at desc limit ${of.limit}
      )
    ${lease(of)}`
}

/**
 * A probe looks at so many of those that have been due longest and takes the one that was tried least: deliveries that an app chokes on
 * must not be all that it is asked about. One that an operator asked for by name comes before all of them.
 */
const probeCandidates = 16

/** Due before everything that has a time. */
export const dueFirst = 0

/** One delivery of each app that is to be probed, unless an attempt to it is under way. */
export function claimProbes(of: ClaimOf): RawBuilder<LogoutDeliveryRow> {
  return sql<LogoutDeliveryRow>`
    with picked as (
      select (
        select candidates.id from (
          select queued.id, queued.attempts, queued.due_at from logout_deliveries as queued
          where queued.tenant = ${of.tenant} and queued.app_id = probed.app_id
            and queued.state = 'pending' and queued.channel = 'back-channel' and queued.due_at <= ${of.now}
          order by queued.due_at limit ${sql.lit(probeCandidates)}
        ) as candidates order by candidates.due_at > ${sql.lit(dueFirst)}, candidates.attempts, candidates.due_at limit 1
      ) as id
      from app_health as probed
      where probed.tenant = ${of.tenant} and probed.probe_at <= ${of.now} and not exists (
        select 1 from logout_deliveries as under_way
        where under_way.tenant = ${of.tenant} and under_way.app_id = probed.app_id
          and under_way.lease_by is not null and under_way.due_at > ${of.now}
      )
      order by probed.probe_at limit ${of.limit}
    )
    ${lease(of)}`
}

/**
 * When there may be something to claim, or to give up, after `now`. What falls due behind an open breaker wakes for nothing, which
 * is cheaper than looking for the first that does not.
 */
export function nextDue(tenant: string, now: number): RawBuilder<{ readonly at: number | null }> {
  return sql<{ readonly at: number | null }>`
    select min(at) as at from (
      select min(due_at) as at from logout_deliveries
      where tenant = ${tenant} and state = 'pending' and due_at > ${now}
      union all
      select min(probe_at) from app_health as probed
      where tenant = ${tenant} and probe_at > ${now} and exists (
        select 1 from logout_deliveries as owed
        where owed.tenant = ${tenant} and owed.app_id = probed.app_id and owed.state = 'pending'
      )
      union all
      select min((
        select min(owed.give_up_at) from logout_deliveries as owed
        where owed.tenant = ${tenant} and owed.app_id = probed.app_id and owed.state = 'pending' and owed.give_up_at > ${now}
      )) from app_health as probed
      where tenant = ${tenant} and probe_at is not null
    ) as instants`
}
