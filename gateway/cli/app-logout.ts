/** How an app takes part in sign-out, as flags of `app add` and `app change` and as lines of `app show`. */
import { parseDuration } from '#config/duration.ts'
import { type App, logoutChannels } from '../apps/app.ts'
import { causes } from '../sessions/cause.ts'
import type { FlagSpecs, Flags } from './flags.ts'
import { byCommandLine, type Opened } from './open.ts'
import { type Call, UsageError } from './verb.ts'

type Rules = App['logout']

export const logoutFlags = {
  'backchannel-logout-uri': { kind: 'text', value: 'url', help: 'where it is told that a session ended' },
  'frontchannel-logout-uri': {
    kind: 'text',
    value: 'url',
    help: 'what the browser loads for that, for an app that has nothing better',
  },
  'logout-channel': {
    kind: 'text',
    value: 'channel',
    help: 'back-channel, front-channel or both; auto (default): the back channel if it has one',
  },
  'logout-timeout': {
    kind: 'text',
    value: 'time',
    help: 'how long one attempt to tell it may take, 1s to 30s (default: that of the gateway)',
  },
  'told-of': {
    kind: 'texts',
    value: 'cause',
    help: 'for which causes it is told (default: all); repeat for more',
  },
  'local-session': {
    kind: 'text',
    value: 'time',
    help: 'how long its own session may outlive a sign-out that it missed',
  },
  'signs-out': {
    kind: 'text',
    value: 'what',
    help: 'what signing out at the app ends: everywhere (default), this-app, or ask',
  },
  offline: {
    kind: 'text',
    value: 'rule',
    help: 'survives-sign-out: what it was granted with offline_access outlives the person leaving (default: ends-with-session)',
  },
} as const satisfies FlagSpecs

const unchanged: Rules = { causes: 'all', appSignsOut: 'everywhere' }

/** The rules that the flags make of `base`. Throws UsageError for what a flag does not take. */
export function logoutFrom(flags: Flags, base: Rules = unchanged): Rules {
  const { channel, timeoutMs, localSessionMs, ...rest } = base
  return {
    ...rest,
    appSignsOut: oneOf(flags, 'signs-out', ['everywhere', 'this-app', 'ask']) ?? base.appSignsOut,
    causes: causesFrom(flags) ?? base.causes,
    ...channelFrom(flags, channel),
    ...timeFrom(flags, 'logout-timeout', 'timeoutMs', timeoutMs),
    ...timeFrom(flags, 'local-session', 'localSessionMs', localSessionMs),
  }
}

/** Whether access outlives the person leaving; `base` where nothing is said. */
export function offlineFrom(flags: Flags, base: App['offline'] = undefined): Pick<App, 'offline'> {
  const rule = oneOf(flags, 'offline', ['ends-with-session', 'survives-sign-out']) ?? base
  return rule === 'survives-sign-out' ? { offline: rule } : {}
}

/** `app change`: only what is named changes. */
export async function changeLogout(
  { flags, words, terminal }: Call,
  gateway: Opened,
  app: App,
): Promise<void> {
  const named = Object.keys(logoutFlags).filter((name) => flags.text(name) ?? flags.texts(name)[0])
  if (named.length === 0) throw new UsageError('Say what shall change. See: gatehouse app change --help')
  const { offline: before, ...settings } = app
  const changed = await gateway.commands.apps.change(
    app.id,
    {
      ...settings,
      ...offlineFrom(flags, before),
      logout: logoutFrom(flags, app.logout),
      oidc: { ...app.oidc, metadata: addressesFrom(flags, app.oidc.metadata) },
    },
    byCommandLine,
  )
  terminal.line(`Changed ${words[0]}. It is told at: ${toldAt(changed)}`)
}

/** Where it is told, by the way that is used. */
export function toldAt({ logout, oidc: { metadata } }: App): string {
  const { backchannel_logout_uri: back, frontchannel_logout_uri: front } = metadata
  const byBrowser = front === undefined ? undefined : `${front} (by the browser)`
  const addresses = [
    logout.channel === 'front-channel' ? undefined : back,
    logout.channel === 'back-channel' || (logout.channel === undefined && back !== undefined)
      ? undefined
      : byBrowser,
  ].filter((address) => address !== undefined)
  return addresses.length === 0 ? '- (cannot be told)' : addresses.join(', ')
}

/** Lines of `app show`. */
export function logoutFields({ logout }: App): readonly (readonly [string, string | undefined])[] {
  const { causes: told, appSignsOut, channel = 'auto', timeoutMs, localSessionMs } = logout
  const inSeconds = (ms: number | undefined) => (ms === undefined ? undefined : `${ms / 1_000} s`)
  return [
    ['told of', told === 'all' ? 'every cause' : told.join(', ')],
    ['told by', channel],
    ['told within', inSeconds(timeoutMs)],
    ['local session', inSeconds(localSessionMs)],
    ['its sign-out ends', appSignsOut],
  ]
}

/** `none` takes an address away. */
function addressesFrom(flags: Flags, before: App['oidc']['metadata']): App['oidc']['metadata'] {
  let after = before
  for (const way of ['back', 'front'] as const) {
    const address = flags.text(`${way}channel-logout-uri`)
    if (address === undefined) continue
    const { [`${way}channel_logout_uri` as const]: _, ...others } = after
    const required = { [`${way}channel_logout_session_required`]: address !== 'none' }
    after = {
      ...others,
      ...required,
      ...(address === 'none' ? {} : { [`${way}channel_logout_uri`]: address }),
    } as App['oidc']['metadata']
  }
  return after
}

function causesFrom(flags: Flags): Rules['causes'] | undefined {
  const named = flags.texts('told-of')
  if (named.length === 0) return undefined
  if (named.length === 1 && named[0] === 'all') return 'all'
  return named.map((name) => {
    const cause = causes.find((known) => known === name)
    if (cause === undefined) throw new UsageError(`--told-of takes all, or causes: ${causes.join(', ')}.`)
    return cause
  })
}

function channelFrom(flags: Flags, base: Rules['channel']): Pick<Rules, 'channel'> {
  const named = oneOf(flags, 'logout-channel', ['auto', ...logoutChannels]) ?? base
  return named === undefined || named === 'auto' ? {} : { channel: named }
}

function timeFrom<Name extends 'timeoutMs' | 'localSessionMs'>(
  flags: Flags,
  flag: string,
  name: Name,
  base: number | undefined,
): { readonly [K in Name]?: number } {
  const text = flags.text(flag)
  const ms = text === undefined ? base : text === 'default' ? undefined : parseDuration(text)
  if (ms === undefined && text !== undefined && text !== 'default')
    throw new UsageError(`--${flag} takes a time such as 5s, or default.`)
  return (ms === undefined ? {} : { [name]: ms }) as { readonly [K in Name]?: number }
}

function oneOf<Word extends string>(flags: Flags, flag: string, words: readonly Word[]): Word | undefined {
  const given = flags.text(flag)
  const word = words.find((known) => known === given)
  if (given !== undefined && word === undefined)
    throw new UsageError(`--${flag} takes one of ${words.join(', ')}.`)
  return word
}
