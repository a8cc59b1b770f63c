/**
 * Walks the chain of the audit trail and names the first line that is not as it was written. Needs no running gateway.
 */
import { chainOf, chainStart, checkpointStatement, startOf, startStatement } from './chain.ts'
import type { AuditCheckpoint, AuditStore, SealedRow } from './store.ts'

/** True when `signature` was made over `statement` by this gateway. */
export type CheckStatement = (statement: string, signature: string) => Promise<boolean>

export type Verification =
  | {
      readonly kind: 'intact'
      /** Lines that were checked, and the first and last of them by `seq`. */
      readonly lines: number
      readonly from?: number
      readonly to?: number
      readonly checkpoints: number
    }
  | {
      readonly kind: 'broken'
      /** The first line that is wrong, or after which one is missing. */
      readonly seq: number
      readonly position: number
      readonly why: 'changed' | 'missing' | 'checkpoint-differs' | 'checkpoint-signature'
    }

/** Read at a time, so that a long trail costs no memory. */
const pageSize = 500

/** Verifies everything that is sealed, from the first line or from where the gateway has signed that the trail begins. */
export async function verifyTrail(deps: {
  readonly store: AuditStore
  readonly check: CheckStatement
}): Promise<Verification> {
  const { store, check } = deps
  const checkpoints = await store.checkpoints()
  const unsigned = await firstUnsigned(checkpoints, check)
  if (unsigned !== undefined) {
    const [row] = await store.sealedFrom(unsigned.position, 1)
    return broken(row, unsigned.position, 'checkpoint-signature')
  }

  const [first] = await store.sealedFrom(1, 1)
  const start = first?.position === 1 ? undefined : startOf(checkpoints)
  const byPosition = new Map(checkpoints.map((checkpoint) => [checkpoint.position, checkpoint]))
  let { chain, position } = start ?? { chain: chainStart, position: 0 }
  let last: SealedRow | undefined
  let from: number | undefined
  let lines = 0
  for (;;) {
    const page = await store.sealedFrom(position + 1, pageSize)
    for (const row of page) {
      if (row.position !== position + 1) return broken(last ?? row, position, 'missing')
      const expected = chainOf(chain, row, row.position)
      if (row.chain !== expected) return broken(row, row.position, 'changed')
      const checkpoint = byPosition.get(row.position)
      if (checkpoint !== undefined && checkpoint.chain !== expected) {
        return broken(row, row.position, 'checkpoint-differs')
      }
      chain = expected
      position = row.position
      from ??= row.seq
      last = row
      lines++
    }
    if (page.length < pageSize) break
  }
  // A chain cut off at its end is whole in itself; only a checkpoint knows that it was longer.
  const latest = checkpoints.at(-1)
  if (latest !== undefined && latest.position > position) return broken(last, position, 'missing')
  return {
    kind: 'intact',
    lines,
    ...(from === undefined || last === undefined ? {} : { from, to: last.seq }),
    checkpoints: checkpoints.length,
  }
}

async function firstUnsigned(
  checkpoints: readonly AuditCheckpoint[],
  check: CheckStatement,
): Promise<AuditCheckpoint | undefined> {
  for (const checkpoint of checkpoints) {
    const { signature, startSignature } = checkpoint
    if (!(await check(checkpointStatement(checkpoint), signature))) return checkpoint
    if (startSignature !== undefined && !(await check(startStatement(checkpoint), startSignature)))
      return checkpoint
  }
  return undefined
}

function broken(
  row: SealedRow | undefined,
  position: number,
  why: Extract<Verification, { kind: 'broken' }>['why'],
): Verification {
  return { kind: 'broken', seq: row?.seq ?? 0, position, why }
}
