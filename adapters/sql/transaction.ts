/**
 * The transaction that travels with the asynchronous context (DECISIONS 27).
 *
 * Owns: begin, commit, roll back, durability, and what runs after the commit. Relies on: one connection at a time from the driver.
 * Never: lets a statement slip out of the transaction it belongs to. Stores ask `q()` for every statement.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Kysely } from 'kysely'
import { GatewayError } from '#gateway/kernel/errors.ts'
import type { Transaction } from '#gateway/kernel/transaction.ts'
import type { Schema } from './schema.ts'

interface Running {
  readonly connection: Kysely<Schema>
  readonly durable: boolean
  readonly effects: (() => void)[]
  open: boolean
}

export interface TransactionScope {
  readonly transaction: Transaction
  /** The handle for the next statement: of the transaction in this context, or the database itself. */
  q(): Kysely<Schema>
  /** True inside a transaction; throws when it has ended. */
  isInside(): boolean
}

/**
 * @param setDurable called with true before a durable transaction begins and with false after it ended, while the connection is ours.
 * @param whileBusy repeats an attempt that could not begin because another process holds the database, until it gives up.
 * @param reportEffectError an effect that throws must not turn a committed transaction into a failed one.
 */
export function createTransactionScope(
  database: Kysely<Schema>,
  setDurable: (durable: boolean) => void,
  whileBusy: <T>(attempt: () => Promise<T>) => Promise<T>,
  reportEffectError: (error: unknown) => void,
): TransactionScope {
  const context = new AsyncLocalStorage<Running>()
  // Where nobody's request and nobody's transaction is: what an effect sets in motion belongs to neither.
  const outside = AsyncLocalStorage.snapshot()

  const current = (): Running | undefined => {
    const running = context.getStore()
    if (running !== undefined && !running.open) {
      throw new GatewayError('transaction_ended', 'A store was used after its transaction had ended.')
    }
    return running
  }

  const runEffects = (effects: readonly (() => void)[]): void => {
    for (const effect of effects) {
      try {
        outside(effect)
      } catch (error) {
        reportEffectError(error)
      }
    }
  }

  const runOutermost = async <T>(work: () => Promise<T>, durable: boolean): Promise<T> => {
    const effects: (() => void)[] = []
    const result = await whileBusy(() =>
      database.connection().execute(async (connection) => {
        if (durable) setDurable(true)
        try {
          return await connection.transaction().execute(async (open) => {
            const running: Running = { connection: open, durable, effects, open: true }
            try {
              return await context.run(running, work)
            } finally {
              running.open = false
            }
          })
        } finally {
          if (durable) setDurable(false)
        }
      }),
    )
    runEffects(effects)
    return result
  }

  return {
    q: () => current()?.connection ?? database,
    isInside: () => current() !== undefined,
    transaction: {
      run: (work, { durable = false } = {}) => {
        const outer = current()
        if (outer === undefined) return runOutermost(work, durable)
        if (durable && !outer.durable) {
          throw new GatewayError(
            'internal',
            'A durable transaction cannot be promised inside one that is not durable.',
          )
        }
        return work()
      },
      afterCommit: (effect) => {
        const running = current()
        if (running === undefined) runEffects([effect])
        else running.effects.push(effect)
      },
    },
  }
}
