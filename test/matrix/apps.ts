/** Every kind of app that can be told of an end: by each channel, in each state. Real servers on loopback, but for those that are down. */
import { type Cause, causes } from '#gateway/sessions/cause.ts'
import { openReceiver, type Received, type Receiver } from '#test/support/receiver.ts'
import { declaredApp } from '#test/support/two-apps.ts'

export const channels = ['back-channel', 'front-channel', 'both', 'none'] as const
export type ChannelSetting = (typeof channels)[number]

export const states = ['up', 'down', 'slow', 'refusing'] as const
export type AppState = (typeof states)[number]

/** Would be told by both channels, and does not want to hear of the cause. */
export const unwantedId = 'unwanted'
export const unwantedName = 'Does not want to hear of it'
/** How long the session of each app may outlive a missed logout. */
export const localSessionMs = 8 * 3_600_000

export interface MatrixApp {
  readonly id: string
  readonly name: string
  readonly url: string
  /** Its entry in the configuration file. */
  readonly declared: Record<string, unknown>
  /** What came in at its back-channel address. */
  told(): readonly Received[]
  /** What browsers asked for at its front-channel address. */
  framed(): readonly Received[]
}

export interface MatrixApps extends AsyncDisposable {
  readonly all: readonly MatrixApp[]
  find(id: string): MatrixApp
  /** Those that were slow answer at once from now on. */
  wakeUp(): void
}

/** Nobody listens there: no port below 1024 is given out by chance, and browsers would call this one. */
const nobody = 'http://127.0.0.1:2'

export function idOf(channel: ChannelSetting, state: AppState): string {
  return `${channel}-${state}`
}

/** One app for each cell, and the one that does not want to hear of `cause`. */
export async function openMatrixApps(cause: Cause): Promise<MatrixApps> {
  const all: MatrixApp[] = []
  const receivers: Receiver[] = []
  const slow: Receiver[] = []
  for (const channel of channels) {
    for (const state of states) {
      const receiver = state === 'down' ? undefined : await openReceiver()
      if (receiver !== undefined) receivers.push(receiver)
      if (state === 'refusing') receiver?.behave({ answer: 403, headers: { 'x-frame-options': 'DENY' } })
      if (state === 'slow' && receiver !== undefined) {
        receiver.behave('hang')
        slow.push(receiver)
      }
      const id = idOf(channel, state)
      const logout = { ...logoutOf(channel), ...(state === 'slow' ? { timeout: '1s' } : {}) }
      all.push(appAt(receiver, id, `${channel} ${state}`, channel, logout))
    }
  }
  const receiver = await openReceiver()
  receivers.push(receiver)
  const others = causes.filter((each) => each !== cause)
  all.push(appAt(receiver, unwantedId, unwantedName, 'both', { ...logoutOf('both'), causes: others }))
  return {
    all,
    find: (id) => {
      const app = all.find((each) => each.id === id)
      if (app === undefined) throw new Error(`there is no app ${id}`)
      return app
    },
    wakeUp: () => {
      for (const each of slow) each.behave({ answer: 200 })
    },
    [Symbol.asyncDispose]: async () => {
      for (const each of receivers) await each[Symbol.asyncDispose]()
    },
  }
}

function appAt(
  receiver: Receiver | undefined,
  id: string,
  name: string,
  channel: ChannelSetting,
  logout: Record<string, unknown>,
): MatrixApp {
  const url = `${receiver === undefined ? nobody : new URL(receiver.url).origin}/${id}`
  const at = (path: string) =>
    receiver?.received.filter((each) => each.path.split('?')[0] === `/${id}/${path}`) ?? []
  return {
    id,
    name,
    url,
    declared: declaredApp(id, url, { name, access: ['staff'], logout }, addressesOf(channel, url)),
    told: () => at('backchannel-logout'),
    framed: () => at('frontchannel-logout'),
  }
}

/**
 * Who has both addresses says which is meant. Who has one says nothing: that one is taken.
 */
function addressesOf(channel: ChannelSetting, url: string): Record<string, unknown> {
  const back = channel !== 'front-channel' && channel !== 'none'
  return {
    backchannel_logout_uri: back ? `${url}/backchannel-logout` : undefined,
    backchannel_logout_session_required: back,
    frontchannel_logout_uri: channel === 'none' ? undefined : `${url}/frontchannel-logout`,
    frontchannel_logout_session_required: channel !== 'none',
  }
}

function logoutOf(channel: ChannelSetting): Record<string, unknown> {
  const setting = channel === 'back-channel' || channel === 'both' ? { channel } : {}
  return { local_session: `${localSessionMs / 3_600_000}h`, ...setting }
}
