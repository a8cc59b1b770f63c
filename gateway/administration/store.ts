import type { ApiKeyId } from '../kernel/ids.ts'
import type { ApiKey } from './api-key.ts'

/** Records of API keys. Revoked and expired ones stay: reports and the audit trail name them. */
export interface ApiKeyStore {
  insert(key: ApiKey, secretHash: string): Promise<void>
  find(id: ApiKeyId): Promise<ApiKey | undefined>
  /** Whatever its state. Looked up by hash, so how long it takes tells nothing about a key. */
  findByHash(secretHash: string): Promise<ApiKey | undefined>
  /** All of them, the newest first. There are few: commands bound their number. */
  list(): Promise<readonly ApiKey[]>
  /** Moves `lastUsedAt` to `at` when it lies before `unlessSince` or was never written. */
  markUsed(id: ApiKeyId, at: number, unlessSince: number): Promise<void>
  /** False when it was revoked before or there is none. */
  revoke(id: ApiKeyId, at: number): Promise<boolean>
}
