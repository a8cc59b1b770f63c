import { z } from 'zod'

/** Where a list goes on. Both stores mean the same by it. */
interface Place<Id extends string> {
  readonly startedAt: number
  readonly id: Id
}

/** An instant and an id, far below this. */
const maxLength = 200

/** A cursor as clients see it: opaque to them, and nothing in it grants anything. */
export function toCursor({ startedAt, id }: Place<string>): string {
  return Buffer.from(`${startedAt} ${id}`).toString('base64url')
}

/**
 * The parameter `cursor`. Whatever is not exactly what `toCursor` makes of an id that `parseId` knows is refused, so nothing else
 * ever comes near a statement (N-204).
 */
export function cursorParameter<Id extends string>(parseId: (text: string) => Id | undefined) {
  return z
    .string()
    .max(maxLength, 'not a cursor of this list')
    .transform((text, context): Place<Id> => {
      const written = Buffer.from(text, 'base64url').toString('latin1')
      const [, at = '', idText = ''] = /^(0|[1-9]\d{0,14}) ([A-Za-z0-9_-]{0,64})$/.exec(written) ?? []
      // An empty id is before every other: that page ended at an instant, not at a record.
      const id = idText === '' ? ('' as Id) : parseId(idText)
      if (at !== '' && id !== undefined && toCursor({ startedAt: Number(at), id }) === text) {
        return { startedAt: Number(at), id }
      }
      context.addIssue({ code: 'custom', message: 'not a cursor of this list' })
      return z.NEVER
    })
    .describe('`next_cursor` of the page before.')
    .optional()
}
