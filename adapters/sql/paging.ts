import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Page } from '#gateway/kernel/page.ts'

/** Rows that one page looks through where no index answers the whole filter: some ten milliseconds, in which nobody else is served. */
export const maxLookedThrough = 10_000
/** With so few rows of an app all are taken and sorted; with more, what is newest holds some of them soon enough. */
export const fewOfAnApp = 2_000

/** Where rows of one instant stand: the newest first, and within it by id. */
export interface Place {
  readonly startedAt: number
  readonly id: string
}

/** What comes after a place in a list, newest first. The first condition says nothing new; it is the one that an index can begin at. */
export function isAfter(place: Place): RawBuilder<SqlBool> {
  const { startedAt, id } = place
  return sql<SqlBool>`started_at <= ${startedAt} and (started_at < ${startedAt} or (started_at = ${startedAt} and id < ${id}))`
}

/**
 * The page of `rows`, which are one more than `limit` when there is more. `floor` is the instant down to which was looked, where
 * that was not to the end: the next page goes on below it, since no id comes before the empty one.
 */
export function pageOf<Item extends Place>(
  rows: readonly Item[],
  limit: number,
  floor: number | undefined,
): Page<Item, Place> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  if (rows.length > limit && last !== undefined) {
    return { items, next: { startedAt: last.startedAt, id: last.id } }
  }
  return { items, ...(floor === undefined ? {} : { next: { startedAt: floor, id: '' } }) }
}

/** As the statements sort: by time, and within an instant by id. */
export function newestFirst<Row extends { readonly started_at: number; readonly id: string }>(
  rows: readonly Row[],
): readonly Row[] {
  return rows.toSorted((one, other) => other.started_at - one.started_at || (one.id < other.id ? 1 : -1))
}
