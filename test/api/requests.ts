import type { Asked, World } from './world.ts'

/** A request that each operation answers with 200, in a world where what it asks for is there. */
export interface Sample {
  /** As published. */
  readonly operation: string
  readonly request: (world: World) => Promise<{ readonly path: string; readonly asked?: Asked }>
}

export const samples: readonly Sample[] = [
  { operation: 'GET /v1/sessions', request: async () => ({ path: '/v1/sessions' }) },
  {
    operation: 'GET /v1/sessions/{id}',
    request: async (world) => ({ path: `/v1/sessions/${(await world.ended('wiki', 'mute')).session.id}` }),
  },
  {
    operation: 'DELETE /v1/sessions/{id}',
    request: async (world) => ({ path: `/v1/sessions/${(await world.begin('wiki')).id}` }),
  },
  {
    operation: 'POST /v1/sessions/end',
    request: async (world) => {
      await world.begin('wiki')
      const { person } = world
      return { path: '/v1/sessions/end', asked: { json: { where: { account: person.id } } } }
    },
  },
  {
    operation: 'GET /v1/logouts',
    request: async (world) => {
      await world.ended('wiki', 'mute')
      return { path: '/v1/logouts' }
    },
  },
  {
    operation: 'GET /v1/logouts/{id}',
    request: async (world) => {
      const { logoutId } = await world.ended('wiki', 'mute')
      await world.gateway.dispatcher.runDue()
      return { path: `/v1/logouts/${logoutId}` }
    },
  },
  {
    operation: 'POST /v1/deliveries/{id}/retry',
    request: async (world) => {
      const { logoutId } = await world.ended('wiki')
      const [delivery] = await world.gateway.stores.logouts.deliveriesOf([logoutId])
      return { path: `/v1/deliveries/${delivery?.id}/retry` }
    },
  },
  {
    operation: 'POST /v1/deliveries/retry',
    request: async () => ({ path: '/v1/deliveries/retry', asked: { json: { all: true } } }),
  },
  {
    operation: 'GET /v1/logouts/{id}/receipt',
    request: async (world) => {
      const { logoutId } = await world.ended('wiki', 'mute')
      await world.gateway.dispatcher.runDue()
      return { path: `/v1/logouts/${logoutId}/receipt` }
    },
  },
  {
    operation: 'GET /v1/apps/health',
    request: async (world) => {
      await world.ended('wiki')
      await world.gateway.dispatcher.runDue()
      return { path: '/v1/apps/health' }
    },
  },
  { operation: 'POST /v1/apps/{id}/check', request: async () => ({ path: '/v1/apps/wiki/check' }) },
]
