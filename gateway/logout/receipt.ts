/**
 * Receipts: what became of a settled Logout, signed, so that it can be shown to somebody who does not trust the database.
 *
 * Owns: what a receipt says, and how long it gets. Relies on: LogoutStore, and a signer that puts `receiptType` into the header.
 * Never: says more than the report does, and never names an audience, a subject or an expiry at its top: whoever takes tokens without
 * looking at their type finds nothing there to take it for another (N-072).
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Clock, toEpochSeconds } from '../kernel/clock.ts'
import type { DeliveryId, LogoutId } from '../kernel/ids.ts'
import { giveWay } from '../kernel/turn.ts'
import { causes } from '../sessions/cause.ts'
import type { DeliveryAttempt, Logout, LogoutDelivery } from './delivery.ts'
import { claimOf } from './report.ts'
import type { LogoutStore } from './store.ts'

/** Of the header: no other token of ours has it. */
export const receiptType = 'gatehouse-logout-receipt+jwt'

export interface Receipts {
  /**
   * The receipt; `unsettled` while an app is still to be told; undefined when there is no such Logout. `onLine` is given each delivery
   * as a line of JSON, in the order in which a receipt that does not list them has digested them.
   */
  of(
    id: LogoutId,
    onLine?: (line: string) => void,
  ): Promise<{ readonly kind: 'receipt'; readonly jws: string } | { readonly kind: 'unsettled' } | undefined>
}

export interface ReceiptDeps {
  readonly logouts: Pick<LogoutStore, 'find' | 'deliveriesAfter' | 'attemptsOf'>
  readonly issuer: string
  readonly clock: Clock
  readonly sign: (payload: Readonly<Record<string, unknown>>) => string
}

/** A receipt is mailed and pasted: what does not fit is stood for by its digest. Some 500 deliveries with an attempt each fit. */
const maxListedBytes = 256 * 1024
/** What is read: such a list and the totals of 10,000 apps, in base64url. */
export const maxReceiptLength = 4 * 1024 * 1024
/** Read at a time, so that a Logout of 300,000 deliveries keeps nobody waiting. */
const readAtOnce = 200
/** What the store gives of attempts in one answer. */
const attemptsAtOnce = 1_000

/** Creates the maker of receipts. */
export function createReceipts(deps: ReceiptDeps): Receipts {
  const { logouts, issuer, clock, sign } = deps
  return {
    of: async (id, onLine) => {
      const logout = await logouts.find(id)
      if (logout === undefined) return undefined
      if (logout.settledAt === undefined) return { kind: 'unsettled' }
      const told = await readDeliveries(deps, id, onLine)
      // It was read in pages: an operator who asked for another attempt meanwhile has opened it again.
      const after = await logouts.find(id)
      if (after?.settledAt !== logout.settledAt) return { kind: 'unsettled' }
      // Its time is over, and it is being deleted: what is left is not what it was.
      if (told.deliveries < logout.appSessions - logout.notWanted) return undefined
      const payload: Receipt = {
        iss: issuer,
        iat: toEpochSeconds(clock.now()),
        logout: describe(logout, logout.settledAt, told),
        ...told.said,
      }
      return { kind: 'receipt', jws: sign(payload) }
    },
  }
}

const time = z.iso.datetime()
const count = z.int().min(0)
const text = z.string().max(512)

const receiptDelivery = z.strictObject({
  id: text,
  app: text,
  sid: text,
  channel: text,
  state: text,
  settled_at: time,
  attempts: z.array(
    z.strictObject({
      number: count,
      at: time,
      duration_ms: count,
      outcome: z.enum(['acknowledged', 'refused', 'unreachable']),
      status: count.optional(),
    }),
  ),
})

const receiptSchema = z.strictObject({
  iss: text,
  /** Seconds, as RFC 7519 has it; every other time is a text. */
  iat: count,
  logout: z.strictObject({
    id: text,
    cause: z.enum(causes),
    /** What kind of actor, never which. */
    actor: text,
    account_id: text.optional(),
    started_at: time,
    settled_at: time,
    sso_sessions: count,
    app_sessions: count,
    deliveries: count,
    /** AppSessions whose app does not want to hear of this cause. */
    not_wanted: count,
  }),
  /** How many deliveries of each app stand how. */
  apps: z.array(z.strictObject({ app: text, state: text, count })),
  /** All of them where they fit. */
  deliveries: z.array(receiptDelivery).optional(),
  /** Else SHA-256, in hexadecimal, of all their lines by id, each with its line break. */
  lines_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
})

export type Receipt = z.output<typeof receiptSchema>
type ReceiptDelivery = z.output<typeof receiptDelivery>

/** The receipt that a verified token holds; undefined when it is none of this version. */
export function readReceipt(payload: Readonly<Record<string, unknown>>): Receipt | undefined {
  const { data } = receiptSchema.safeParse(payload)
  return data
}

interface Told {
  readonly deliveries: number
  readonly said: Pick<Receipt, 'apps' | 'deliveries' | 'lines_sha256'>
}

async function readDeliveries(
  { logouts }: ReceiptDeps,
  id: LogoutId,
  onLine?: (line: string) => void,
): Promise<Told> {
  const digested = createHash('sha256')
  const totals = new Map<string, { readonly app: string; readonly state: string; readonly count: number }>()
  let listed: ReceiptDelivery[] | undefined = []
  let bytes = 0
  let deliveries = 0
  let after: DeliveryId | undefined
  for (;;) {
    const page = await logouts.deliveriesAfter(id, after, readAtOnce)
    const attempts = Map.groupBy(
      await attemptsOf(
        logouts,
        page.map((delivery) => delivery.id),
      ),
      ({ deliveryId }) => deliveryId,
    )
    for (const delivery of page) {
      const said = deliverySaid(delivery, attempts.get(delivery.id) ?? [])
      const line = JSON.stringify(said)
      digested.update(`${line}\n`)
      onLine?.(line)
      bytes += line.length
      if (bytes > maxListedBytes) listed = undefined
      listed?.push(said)
      const key = JSON.stringify([said.app, said.state])
      totals.set(key, { app: said.app, state: said.state, count: (totals.get(key)?.count ?? 0) + 1 })
      after = delivery.id
      deliveries++
    }
    if (page.length < readAtOnce) break
    // A store in this process answers without letting anybody else have a turn.
    await giveWay()
  }
  return {
    deliveries,
    said: {
      apps: [...totals].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total),
      ...(listed === undefined ? { lines_sha256: digested.digest('hex') } : { deliveries: listed }),
    },
  }
}

/** All attempts of these deliveries, however many the store gives at a time; of a single one, the newest thousand. */
async function attemptsOf(
  logouts: ReceiptDeps['logouts'],
  ids: readonly DeliveryId[],
): Promise<readonly DeliveryAttempt[]> {
  const found = await logouts.attemptsOf(ids)
  if (found.length < attemptsAtOnce || ids.length <= 1) return found
  const half = Math.ceil(ids.length / 2)
  return [...(await attemptsOf(logouts, ids.slice(0, half))), ...(await attemptsOf(logouts, ids.slice(half)))]
}

function describe(logout: Logout, settledAt: number, { deliveries }: Told): Receipt['logout'] {
  return {
    id: logout.id,
    cause: logout.cause,
    actor: logout.actor.kind,
    ...(logout.accountId === undefined ? {} : { account_id: logout.accountId }),
    started_at: instant(logout.startedAt),
    settled_at: instant(settledAt),
    sso_sessions: logout.ssoSessions,
    app_sessions: logout.appSessions,
    deliveries,
    not_wanted: logout.notWanted,
  }
}

/** The members in this order: it is the order of the lines that are digested. */
function deliverySaid(delivery: LogoutDelivery, attempts: readonly DeliveryAttempt[]): ReceiptDelivery {
  const { state, settledAt = delivery.createdAt } = claimOf(delivery)
  return {
    id: delivery.id,
    app: delivery.appId,
    sid: delivery.sid,
    channel: delivery.channel,
    state,
    settled_at: instant(settledAt),
    attempts: attempts.map(({ number, startedAt, durationMs, outcome, status }) => ({
      number,
      at: instant(startedAt),
      duration_ms: durationMs,
      outcome,
      ...(status === undefined ? {} : { status }),
    })),
  }
}

function instant(at: number): string {
  return new Date(at).toISOString()
}
