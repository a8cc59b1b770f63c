/** Parameters that several lists take, and the shapes that several answers have. */
import { z } from 'zod'
import { foldEmail } from '../accounts/account.ts'
import { canonicalAddress } from '../http/request.ts'
import { type AccountId, parseAccountId, parseAppId } from '../kernel/ids.ts'

/** The store gives no more in one page. */
const maxLimit = 200
const defaultLimit = 50

export const limitParameter = z
  .string()
  .regex(/^(?:[1-9]\d?|1\d\d|200)$/, `a whole number from 1 to ${maxLimit}`)
  .transform(Number)
  .default(defaultLimit)
  // Published as what it means: that everything in a query arrives as text is no business of whoever asks.
  .meta({
    description: 'How many at most. A page may hold fewer and still have a `next_cursor`.',
    type: 'integer',
    minimum: 1,
    maximum: maxLimit,
    default: defaultLimit,
    pattern: undefined,
  })

/** How a request names an account. */
export type AccountName = { readonly id: AccountId } | { readonly foldedEmail: string }

/** An account by its id or by its e-mail address, as operators know it. */
export const accountParameter = z
  .string()
  .max(254, 'an account id or an e-mail address')
  .transform((text, context): AccountName => {
    const id = parseAccountId(text)
    if (id !== undefined) return { id }
    const foldedEmail = text.includes('@') ? foldEmail(text) : undefined
    if (foldedEmail !== undefined) return { foldedEmail }
    context.addIssue({ code: 'custom', message: 'an account id or an e-mail address' })
    return z.NEVER
  })
  .describe('An account id or an e-mail address.')

export const appParameter = z
  .string()
  .transform((text, context) => {
    const id = parseAppId(text)
    if (id !== undefined) return id
    context.addIssue({ code: 'custom', message: 'an app id' })
    return z.NEVER
  })
  .describe('An app id.')

export const addressParameter = z
  .string()
  .max(64, 'an IP address')
  .transform((text, context) => {
    const address = canonicalAddress(text)
    if (address !== undefined) return address
    context.addIssue({ code: 'custom', message: 'an IP address' })
    return z.NEVER
  })
  .describe('An IP address, in any spelling.')

export const instant = z.iso.datetime().describe('An instant, ISO 8601 in UTC.')
export const instantOrNull = instant.nullable()

/** ISO 8601, or null for what has not come about. */
export function toInstant(at: number): string
export function toInstant(at: number | undefined): string | null
export function toInstant(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString()
}

/** A part of a list. */
export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    data: z.array(item),
    next_cursor: z.string().nullable().describe('Where the next page begins; null at the end of the list.'),
  })
}
