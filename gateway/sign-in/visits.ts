/**
 * Browsers that have proved nothing and are asked to sign in. Each costs us something that is kept for ten minutes.
 *
 * Owns: how many of them one address may send. Relies on: throttle for counting, by which an IPv6 /64 is one address.
 */
import type { AppendAudit } from '../audit/event.ts'
import { GatewayError } from '../kernel/errors.ts'
import { createThrottle, type ThrottleDeps, type Visit } from './throttle.ts'

export type AdmitVisit = (what: Visit, address: string) => Promise<void>

/** Creates the bound. Beyond it GatewayError `throttled` is thrown, and the first time in a window is worth a line in the trail. */
export function createVisits(deps: ThrottleDeps & { readonly append: AppendAudit }): AdmitVisit {
  const throttle = createThrottle(deps)
  return async (what, address) => {
    const admission = await throttle.admitVisit(what, address)
    if (admission.kind === 'admitted') return
    const { scope, first, retryAfterSeconds } = admission
    if (first)
      await deps.append({ type: 'sign-in.throttled', scope, address }, { actor: { kind: 'gateway' } })
    throw new GatewayError('throttled', 'Too many people are signing in from your network right now.', {
      retryAfterSeconds,
    })
  }
}
