import type { KeyObject } from 'node:crypto'
import type { Random } from '../kernel/random.ts'
import { seal, unseal } from './sealing.ts'
import type { KeyStore } from './store.ts'

/** Secrets of the gateway's own, one for each use, so that what one of them made proves nothing to another. */
export const serverSecretNames = [
  'cookie',
  'csrf',
  'fingerprint',
  'pairwise',
  'refresh-successor',
  'session-rotation',
] as const
export type ServerSecretName = (typeof serverSecretNames)[number]

const secretBytes = 32

/** All of them, made where missing. Processes that start at the same time get the same ones: the first stored stays. */
export async function loadServerSecrets(deps: {
  readonly store: KeyStore
  readonly masterKey: KeyObject
  readonly random: Random
  readonly now: number
}): Promise<ReadonlyMap<ServerSecretName, Buffer>> {
  const secrets = new Map<ServerSecretName, Buffer>()
  for (const name of serverSecretNames) {
    const sealed = (await deps.store.findSecret(name)) ?? (await make(name, deps))
    secrets.set(name, unseal(deps.masterKey, sealedName(name), sealed))
  }
  return secrets
}

async function make(
  name: ServerSecretName,
  { store, masterKey, random, now }: Parameters<typeof loadServerSecrets>[0],
): Promise<string> {
  const sealed = seal(masterKey, sealedName(name), random.bytes(secretBytes), random)
  await store.addSecret(name, sealed, now)
  // Another process may have been first; then its secret is the one.
  return (await store.findSecret(name)) ?? sealed
}

function sealedName(name: ServerSecretName): string {
  return `server-secret/${name}`
}
