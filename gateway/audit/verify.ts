/**
 * Walks the chain of the audit trail and names the first line that is not as it was written. Needs no running gateway.
 */
import { chainOf, chainStart, checkpointStatement } from './chain.ts'
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

/** Verifies everything that is sealed. Lines older than the first checkpoint behind the beginning are on their way out and not checked. */
export async function verifyTrail(deps: {
  readonly store: AuditStore
  readonly check: CheckStatement
}): Promise<Verification> {
  const { store, check } = deps
  const checkpoints = await store.checkpoints()
  const [first] = await store.sealedFrom(1, 1)
  const start = startOf(first, checkpoints)
  const byPosition = new Map(checkpoints.map((checkpoint) => [checkpoint.position, checkpoint]))

  for (const checkpoint of checkpoints) {
    if (await check(checkpointStatement(checkpoint), checkpoint.signature)) continue
    const [row] = await store.sealedFrom(checkpoint.position, 1)
    return broken(row, checkpoint.position, 'checkpoint-signature')
  }

  let { chain, position } = start
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

/** Where checking begins: at the very start, or behind the checkpoint up to which older lines were forgotten. */
function startOf(
  first: SealedRow | undefined,
  checkpoints: readonly AuditCheckpoint[],
): { readonly chain: string; readonly position: number } {
  if (first === undefined || first.position > 1) {
    const anchor = checkpoints.find(({ position }) => first === undefined || position >= first.position - 1)
    if (anchor !== undefined) return anchor
  }
  return { chain: chainStart, position: 0 }
}

function broken(
  row: SealedRow | undefined,
  position: number,
  why: Extract<Verification, { kind: 'broken' }>['why'],
): Verification {
  return { kind: 'broken', seq: row?.seq ?? 0, position, why }
}
