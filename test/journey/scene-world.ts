/** Grace, the two sample apps, and beside them apps that will not, or cannot, hear of a sign-out. */
import type { AppId } from '#gateway/kernel/ids.ts'
import { newId } from '#gateway/kernel/ids.ts'
import { createManualClock } from '#test/support/manual-clock.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { declaredApp, startTwoApps, type TwoApps, type TwoAppsOptions } from '#test/support/two-apps.ts'
import { addGrace } from './person.ts'

export interface SceneWorld extends TwoApps {
  /** Gives Grace's newest session a session at each of these apps, as signing in there does. */
  join(...apps: readonly ('notes' | 'planning' | 'printer')[]): Promise<void>
}

/** Time moves by hand, from the browser's own on: cookies that were over in March would not be kept. */
export async function startSceneWorld(options: TwoAppsOptions = {}): Promise<SceneWorld> {
  const clock = createManualClock(Date.now())
  const notes = await openReceiver()
  notes.behave('hang-up')
  const planning = await openReceiver()
  planning.behave({ answer: 400, body: '{"error":"invalid_request"}' })
  const all = await startTwoApps({
    ...options,
    clock,
    moreApps: [
      declaredApp('notes', notes.url, { name: 'Notes', launch_url: 'https://notes.example.com/' }),
      declaredApp(
        'planning',
        planning.url,
        {
          name: 'Quarterly Planning and Budgets',
          launch_url: 'https://planning.finance.example.com/',
          logout: { local_session: '9h' },
        },
        {},
      ),
      declaredApp(
        'printer',
        'https://printer.example.com',
        { name: 'Printer', logout: { local_session: '8h' } },
        { backchannel_logout_uri: undefined, backchannel_logout_session_required: undefined },
      ),
    ],
  })
  const { gateway } = all
  const { id: accountId } = await addGrace(all)
  return {
    ...all,
    join: async (...apps) => {
      const [session] = await gateway.stores.sessions.listByAccount(accountId, { state: 'active', limit: 1 })
      if (session === undefined) throw new Error('Grace is not signed in')
      for (const app of apps) {
        await gateway.sessions.join({
          id: newId('appSession', gateway.random),
          ssoSessionId: session.id,
          accountId,
          appId: app as AppId,
          sid: newId('attempt', gateway.random),
        })
      }
    },
    [Symbol.asyncDispose]: async () => {
      await all[Symbol.asyncDispose]()
      await notes[Symbol.asyncDispose]()
      await planning[Symbol.asyncDispose]()
      clock[Symbol.dispose]()
    },
  }
}
