/** The routes that have apps told now. */
import { z } from 'zod'
import { GatewayError } from '../kernel/errors.ts'
import { parseId } from '../kernel/ids.ts'
import type { ApiDeps } from './deps.ts'
import { type Operation, operation } from './operation.ts'
import { appParameter } from './parameters.ts'

const retriedSchema = z.strictObject({
  retried: z
    .int()
    .describe('How many are due now. What is confirmed, or being tried at this moment, is not among them.'),
})
const answer = { name: 'RetriedDeliveries', schema: retriedSchema }

const whichSchema = z.union(
  [z.strictObject({ app: appParameter }), z.strictObject({ all: z.literal(true) })],
  'either { "app": … } or { "all": true }',
)

export function deliveryOperations(deps: ApiDeps): readonly Operation[] {
  return [
    operation({
      method: 'POST',
      path: '/deliveries/{id}/retry',
      operationId: 'retryDelivery',
      summary: 'Tell an app now, also one that refused or was given up',
      scope: 'logouts:retry',
      answer,
      handle: async ({ id: named, by }) => {
        const id = parseId('delivery', named)
        if (id === undefined) throw new GatewayError('delivery_not_found', 'There is no such delivery.')
        return { retried: await deps.commands.deliveries.retry({ kind: 'delivery', id }, by) }
      },
    }),
    operation({
      method: 'POST',
      path: '/deliveries/retry',
      operationId: 'retryDeliveries',
      summary: 'Tell an app, or every app, all that it did not confirm',
      scope: 'logouts:retry',
      body: { name: 'WhichDeliveries', schema: whichSchema },
      answer,
      handle: async ({ body, by }) => ({
        retried: await deps.commands.deliveries.retry(
          'app' in body ? { kind: 'app', appId: body.app } : { kind: 'all' },
          by,
        ),
      }),
    }),
  ]
}
