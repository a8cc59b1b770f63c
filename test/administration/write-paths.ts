/** How a way to write is written down: what is given, and exactly what it ends. */
import type { AppId } from '#gateway/kernel/ids.ts'
import type { Actor } from '#gateway/sessions/cause.ts'
import type { Ends, File, Lives } from './lives.ts'

export interface Row {
  readonly what: string
  readonly does: (lives: Lives) => Promise<unknown>
  readonly ends: Ends
  /** Who the record says it was. */
  readonly by: Actor['kind']
}

/** A row of a group, which says who gives its commands; the record of some says otherwise. */
export type GroupRow = Omit<Row, 'by'> & Partial<Pick<Row, 'by'>>

/** At least one row for each method. */
export type Rows<Of> = { readonly [Name in keyof Of]: readonly [GroupRow, ...GroupRow[]] }

export const wiki = 'wiki' as AppId
export const notes = 'notes' as AppId

export const nothing: Ends = {}
export const ofGrace = (cause: Ends[string]): Ends => ({ laptop: cause, phone: cause })
const everybody = ['laptop', 'phone', 'ada', 'bob'] as const
/** Those who are not in the group `board`. */
export const notOnTheBoard = ['laptop', 'phone', 'ada'] as const

/** AppSessions of one app. */
export function at(app: string, cause: Ends[string], whose: readonly string[] = everybody): Ends {
  return Object.fromEntries(whose.map((name) => [`${name}/${app}`, cause]))
}

export const accountsOf = ({ gateway }: Lives['world']) => gateway.commands.accounts
export const appsOf = ({ gateway }: Lives['world']) => gateway.commands.apps
export async function notesUrl(world: Lives['world']): Promise<string> {
  const app = await world.gateway.stores.apps.find(notes)
  return (app?.oidc.metadata.redirect_uris[0] ?? '').replace('/callback', '')
}

/** The file with another entry for an app. */
export function fileWith(file: File, id: string, change: Record<string, unknown>): File {
  return { ...file, apps: file.apps.map((entry) => (entry['id'] === id ? { ...entry, ...change } : entry)) }
}
