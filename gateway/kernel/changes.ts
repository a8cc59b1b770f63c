/**
 * What another process changed in the shared store. A CLI verb beside a running server, or another node, writes;
 * this port says so within a second, and the caller reads the store again. A wake-up, never the truth.
 */
export type ChangeTopic = 'apps' | 'keys' | 'accounts' | 'deliveries' | 'sessions'

export interface Changes {
  /** Inside a transaction: everyone who watches `topic` hears of it after the commit. */
  announce(topic: ChangeTopic): Promise<void>
  /** Calls `listener` after a commit, by any process, that announced `topic`. Returns the way to stop listening. */
  watch(topic: ChangeTopic, listener: () => void): () => void
}
