/**
 * How lines of the trail hang together. Pure.
 *
 * Each line's hash covers the line and the hash before it, so a line that was changed, taken out or put in later breaks the chain
 * from there on, and a signed statement about one hash vouches for everything before it.
 */
import { digest } from '../kernel/digest.ts'
import type { AuditCheckpoint, AuditRow, SealedRow } from './store.ts'

/** Where a chain stands: at a line, or at a checkpoint when the lines before it have been forgotten. */
export type ChainEnd = Pick<SealedRow, 'position' | 'chain'>

/** What the first line follows. */
export const chainStart = 'gatehouse audit 1'

/** The line as it is hashed: an array, because the order of an object's keys is nobody's promise. Its texts are hashed as stored. */
function canonical(row: AuditRow, position: number): string {
  const { seq, at, type, actor, subject, detail, requestId } = row
  return JSON.stringify([position, seq, at, type, actor, subject, detail, requestId ?? null])
}

/** The hash of `row` at `position` after `previous`. */
export function chainOf(previous: string, row: AuditRow, position: number): string {
  return digest(`${previous}\n${canonical(row, position)}`)
}

/** The rows with their places after `head`, in the order given. */
export function sealed(head: ChainEnd | undefined, rows: readonly AuditRow[]): readonly SealedRow[] {
  let position = head?.position ?? 0
  let chain = head?.chain ?? chainStart
  return rows.map((row) => {
    position++
    chain = chainOf(chain, row, position)
    return { ...row, position, chain }
  })
}

/** Where the trail begins when its first lines were forgotten; undefined while none were. */
export function startOf(checkpoints: readonly AuditCheckpoint[]): AuditCheckpoint | undefined {
  return checkpoints.findLast(({ startSignature }) => startSignature !== undefined)
}

/** What the signature is made over that lets a trail begin elsewhere than at its first line. */
export function startStatement({ position, chain }: ChainEnd): string {
  return JSON.stringify(['gatehouse audit start 1', position, chain])
}

/** What a checkpoint's signature is made over. */
export function checkpointStatement({ position, at, chain }: ChainEnd & { readonly at: number }): string {
  return JSON.stringify(['gatehouse audit checkpoint 1', position, at, chain])
}
