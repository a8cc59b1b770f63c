/**
 * One unit of work on the main database. Commands open it; stores only join it.
 *
 * It travels with the asynchronous context, so a store called inside `run` writes inside the transaction without being
 * handed anything. Inside `run` await nothing but stores: a network call there would hold the only writer.
 * A store used in the context of a transaction that has ended throws GatewayError `transaction_ended`.
 */
export interface Transaction {
  /**
   * Runs `work` so that its writes commit together or not at all; joins the outer one when there is one.
   * `durable: true` means: when this resolves, the writes survive a power cut (DECISIONS 31). The outermost call decides,
   * and an inner durable call inside an outer one that is not throws, because its promise could not be kept.
   */
  run<T>(work: () => Promise<T>, options?: { readonly durable?: boolean }): Promise<T>
  /**
   * Runs `effect` once the current transaction has committed, outside its context; at once when there is none.
   * Not run when it rolls back. For wake-ups and notifications only, never for what must not be lost.
   */
  afterCommit(effect: () => void): void
}
