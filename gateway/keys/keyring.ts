/**
 * The keys that the gateway signs with, and its own secrets.
 *
 * Owns: making, publishing ahead, activating, retiring and removing signing keys; one ES256 and one RS256 key always sign.
 * Relies on: KeyStore, Changes (another process may rotate). Never: hands out a private key that could be stored or printed;
 * what it gives are key objects.
 */
import type { KeyObject } from 'node:crypto'
import type { AppendAudit } from '../audit/event.ts'
import type { Changes } from '../kernel/changes.ts'
import { type Clock, dayMs, secondMs } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { KeyId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import { Snapshot } from '../kernel/snapshot.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { Actor } from '../sessions/cause.ts'
import { makeKey, openKey } from './key-pair.ts'
import { loadServerSecrets, type ServerSecretName } from './server-secrets.ts'
import {
  isPublishedAt,
  type KeyState,
  type PublicJwk,
  publishedAfterMs,
  retiresAt,
  type SigningAlg,
  type SigningKey,
  signingAlgs,
  signingAt,
  stateAt,
  successorOf,
} from './signing-key.ts'
import type { KeyStore, StoredKey } from './store.ts'

export interface KeyringDeps {
  readonly store: KeyStore
  readonly transaction: Transaction
  readonly changes: Changes
  readonly audit: AppendAudit
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly masterKey: KeyObject
}

/** A key as operators see it. */
export interface KeyDescription {
  readonly keyId: KeyId
  readonly alg: SigningAlg
  readonly state: KeyState
  readonly createdAt: number
  readonly activeAt: number
  /** When it stopped or will stop signing. */
  readonly retiresAt?: number
  /** When it leaves the published set. */
  readonly removedAt?: number
}

/** Apps fetch keys about once a day; by then they have one that was published so long before it signs. */
export const publishAheadDefaultMs = dayMs
/** More would make every app fetch a long list; a key leaves it 90 days after it stopped signing. */
const maxPublishedPerAlg = 16
/** A key's time comes within this, and nothing waits for the exact second. */
const dueEveryMs = 10 * secondMs

export class Keyring implements Disposable {
  readonly #deps: KeyringDeps
  readonly #keys: Snapshot<readonly SigningKey[]>
  readonly #secrets: ReadonlyMap<ServerSecretName, Buffer>
  /** Keys whose retirement is in the store already, so that a tick with nothing to do asks it nothing. */
  readonly #noted = new Set<KeyId>()
  #timer: NodeJS.Timeout | undefined

  /** Makes what is missing on a first run. Throws when the master key is not the one that the stored keys were sealed with. */
  static async open(deps: KeyringDeps): Promise<Keyring> {
    await makeFirstKeys(deps)
    const opened = new Map<KeyId, SigningKey>()
    const keys = await Snapshot.open({
      topic: 'keys',
      changes: deps.changes,
      log: deps.log,
      read: async () =>
        (await deps.store.listKeys()).map((stored) => openOnce(opened, stored, deps.masterKey)),
    })
    const secrets = await loadServerSecrets({ ...deps, now: deps.clock.now() })
    return new Keyring(deps, keys, secrets)
  }

  private constructor(
    deps: KeyringDeps,
    keys: Snapshot<readonly SigningKey[]>,
    secrets: ReadonlyMap<ServerSecretName, Buffer>,
  ) {
    this.#deps = deps
    this.#keys = keys
    this.#secrets = secrets
  }

  /** Begins to activate, retire and remove keys when their time comes. */
  start(): void {
    this.#timer ??= setInterval(() => void this.#runDueAndLog(), dueEveryMs).unref()
  }

  /** The key that signs now. */
  signing(alg: SigningAlg): SigningKey {
    const key = signingAt(this.#keys.value, alg, this.#deps.clock.now())
    if (key === undefined) throw new GatewayError('internal', `There is no ${alg} key to sign with.`)
    return key
  }

  /** Every key that apps may still need, those that sign first. */
  all(): readonly SigningKey[] {
    const now = this.#deps.clock.now()
    const keys = this.#keys.value
    const rank: Record<KeyState, number> = { active: 0, next: 1, retired: 2 }
    return keys
      .filter((key) => isPublishedAt(keys, key, now))
      .toSorted(
        (a, b) =>
          rank[stateAt(keys, a, now)] - rank[stateAt(keys, b, now)] ||
          (a.alg < b.alg ? -1 : a.alg > b.alg ? 1 : b.activeAt - a.activeAt),
      )
  }

  /** The JWKS, in the order of `all`. */
  published(): readonly PublicJwk[] {
    return this.all().map((key) => key.publicJwk)
  }

  /** Their states, for operators. */
  describe(): readonly KeyDescription[] {
    const now = this.#deps.clock.now()
    const keys = this.#keys.value
    return this.all().map((key) => {
      const retires = retiresAt(keys, key)
      return {
        keyId: key.keyId,
        alg: key.alg,
        state: stateAt(keys, key, now),
        createdAt: key.createdAt,
        activeAt: key.activeAt,
        ...(retires === undefined ? {} : { retiresAt: retires, removedAt: retires + publishedAfterMs }),
      }
    })
  }

  /** A secret of the gateway's own, 32 bytes, the same on every node and after every restart. */
  secret(name: ServerSecretName): Buffer {
    const secret = this.#secrets.get(name)
    if (secret === undefined) throw new GatewayError('internal', `There is no server secret ${name}.`)
    return secret
  }

  /**
   * Makes a new key of each algorithm, published now and signing after `publishAheadMs`. With 0 it signs at once: apps that
   * have cached the old set must fetch it again when they see an unknown key id, as they should.
   */
  async rotate(of: {
    readonly publishAheadMs?: number
    readonly actor: Actor
  }): Promise<readonly KeyDescription[]> {
    const { clock, store, transaction, changes, audit } = this.#deps
    await this.#keys.reload()
    this.#refuseTooMany()
    const now = clock.now()
    const activeAt = now + (of.publishAheadMs ?? publishAheadDefaultMs)
    // Later than every other, so that of keys that become active in the same instant the newest signs.
    const createdAt = Math.max(now, ...this.#keys.value.map((key) => key.createdAt + 1))
    const made = await Promise.all(
      signingAlgs.map((alg) => makeKey(alg, { createdAt, activeAt }, this.#deps)),
    )
    await transaction.run(
      async () => {
        for (const key of made) {
          await store.insertKey(key)
          await audit({ type: 'key.created', keyId: key.keyId, alg: key.alg }, { actor: of.actor })
        }
        await changes.announce('keys')
      },
      { durable: true },
    )
    await this.#keys.reload()
    await this.runDue(of.actor)
    return this.describe().filter(({ keyId }) => made.some((key) => key.keyId === keyId))
  }

  /**
   * Notes what time has done: which keys began and stopped to sign, and which nobody needs any more. Each is noted once, by
   * whichever process comes first. Returns how many.
   */
  async runDue(actor: Actor = { kind: 'gateway' }): Promise<number> {
    const now = this.#deps.clock.now()
    const keys = this.#keys.value
    const successions = keys.flatMap((key) => succession(keys, key, now))
    const unneeded = keys.filter((key) => !isPublishedAt(keys, key, now))
    if (successions.every(({ old }) => this.#noted.has(old.keyId)) && unneeded.length === 0) return 0
    const { transaction, store, audit, changes } = this.#deps
    const noted = await transaction.run(
      async () => {
        let count = 0
        for (const { old, next, at } of successions) {
          if (!(await store.retireKey(old.keyId, at))) continue
          count++
          await audit({ type: 'key.retired', keyId: old.keyId, alg: old.alg }, { actor })
          await audit({ type: 'key.activated', keyId: next.keyId, alg: next.alg }, { actor })
        }
        for (const key of unneeded) if (await store.deleteKey(key.keyId)) count++
        if (count > 0) await changes.announce('keys')
        return count
      },
      { durable: true },
    )
    for (const { old } of successions) this.#noted.add(old.keyId)
    if (noted > 0) await this.#keys.reload()
    return noted
  }

  /** Calls `listener` when keys were added or removed, or another one signs. Returns the way to stop that. */
  onChange(listener: () => void): () => void {
    return this.#keys.onChange(listener)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#keys[Symbol.dispose]()
  }

  async #runDueAndLog(): Promise<void> {
    try {
      await this.runDue()
    } catch (error) {
      this.#deps.log.error('could not note which keys are due; trying again', { error })
    }
  }

  #refuseTooMany(): void {
    const published = this.all()
    for (const alg of signingAlgs) {
      if (published.filter((key) => key.alg === alg).length < maxPublishedPerAlg) continue
      throw new GatewayError(
        'input_invalid',
        `There are ${maxPublishedPerAlg} ${alg} keys already that apps may still need. Each goes 90 days after it stopped signing.`,
      )
    }
  }
}

/** Importing an RSA key costs a millisecond: each is opened once, however often the set is read. */
function openOnce(opened: Map<KeyId, SigningKey>, stored: StoredKey, masterKey: KeyObject): SigningKey {
  const key = opened.get(stored.keyId) ?? openKey(stored, masterKey)
  opened.set(stored.keyId, key)
  return key
}

function succession(keys: readonly SigningKey[], old: SigningKey, now: number) {
  const next = successorOf(keys, old)
  return next === undefined || next.activeAt > now ? [] : [{ old, next, at: next.activeAt }]
}

/** Several processes may start on an empty store at once: for each algorithm one of them makes the first key. */
async function makeFirstKeys(deps: KeyringDeps): Promise<void> {
  const there = await deps.store.listKeys()
  const now = deps.clock.now()
  for (const alg of signingAlgs) {
    if (there.some((key) => key.alg === alg)) continue
    const key = await makeKey(alg, { createdAt: now, activeAt: now }, deps)
    await deps.transaction.run(
      async () => {
        if (!(await deps.store.insertFirstKey(key))) return
        const context = { actor: { kind: 'gateway' } } as const
        await deps.audit({ type: 'key.created', keyId: key.keyId, alg }, context)
        await deps.audit({ type: 'key.activated', keyId: key.keyId, alg }, context)
        await deps.changes.announce('keys')
      },
      { durable: true },
    )
  }
}
