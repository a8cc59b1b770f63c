/** Who and what, as several answers show it. */
import { z } from 'zod'
import type { AccountStore } from '../accounts/store.ts'
import type { AccountId } from '../kernel/ids.ts'
import { type Actor, causes } from '../sessions/cause.ts'

export const causeSchema = z.enum(causes)

export const accountSchema = z
  .strictObject({
    id: z.string(),
    email: z.string().nullable(),
    name: z.string().nullable(),
  })
  .describe('A person. E-mail address and name are null once the account has been deleted.')

const actorKinds: Readonly<Record<Actor['kind'], true>> = {
  account: true,
  operator: true,
  app: true,
  'api-key': true,
  'command-line': true,
  configuration: true,
  gateway: true,
}

export const actorSchema = z
  .strictObject({
    kind: z.enum(Object.keys(actorKinds) as [Actor['kind'], ...Actor['kind'][]]),
    account_id: z.string().optional(),
    app_id: z.string().optional(),
    api_key_id: z.string().optional(),
  })
  .describe(
    'Who did it: a person, an operator, an app, a program, the command line, the file, or the gateway by time or rule.',
  )

export function toActor(actor: Actor): z.input<typeof actorSchema> {
  switch (actor.kind) {
    case 'account':
    case 'operator':
      return { kind: actor.kind, account_id: actor.accountId }
    case 'app':
      return { kind: actor.kind, app_id: actor.appId }
    case 'api-key':
      return { kind: actor.kind, api_key_id: actor.apiKeyId }
    case 'command-line':
    case 'configuration':
    case 'gateway':
      return { kind: actor.kind }
    default:
      return actor satisfies never
  }
}

/** Looks each person up once, however often a page names them. */
export function createNames(accounts: Pick<AccountStore, 'find'>) {
  const asked = new Map<AccountId, Promise<z.input<typeof accountSchema>>>()
  return (id: AccountId): Promise<z.input<typeof accountSchema>> => {
    const before = asked.get(id)
    if (before !== undefined) return before
    const asking = accounts
      .find(id)
      .then((account) => ({ id, email: account?.email ?? null, name: account?.name ?? null }))
    asked.set(id, asking)
    return asking
  }
}
