/**
 * A part of a list, the newest first. It may hold fewer than were asked for, even none, and still lead on: a store looks through so
 * much for one page and no further, whatever the filter leaves over. The list is at its end where `next` is absent.
 */
export interface Page<Item, Cursor> {
  readonly items: readonly Item[]
  /** Where the next part begins. */
  readonly next?: Cursor
}
