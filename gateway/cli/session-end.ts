/**
 * `gatehouse session end`: one session, an account's, an app's, or whatever conditions find, which is the kill switch.
 *
 * `--account` and `--app` alone mean what they always meant: all of the account, and the part at the app, which leaves people signed in
 * elsewhere. With any other condition they are conditions too, and what they find ends whole.
 */
import { readSessionWhere } from '../administration/session-where.ts'
import type { SessionWhere } from '../sessions/ending.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import { findAccount } from './account.ts'
import { findApp } from './app.ts'
import type { FlagSpecs } from './flags.ts'
import { byCommandLine, type Opened } from './open.ts'
import { counted, grouped, sayEnded, settleAndSay } from './say.ts'
import { type Call, UsageError } from './verb.ts'

export const endFlags: FlagSpecs = {
  account: { kind: 'text', value: 'account', help: 'all sessions of this account' },
  app: {
    kind: 'text',
    value: 'app',
    help: 'the sessions at this app only; with another condition: whole sessions in which it is open',
  },
  everyone: { kind: 'yes', help: 'all sessions there are, your own too' },
  network: {
    kind: 'text',
    value: 'cidr',
    help: 'begun from an address of this network, such as 192.0.2.0/24',
  },
  credential: { kind: 'text', value: 'passkey', help: 'that this passkey opened or strengthened (crd_…)' },
  aaguid: { kind: 'text', value: 'aaguid', help: 'that a passkey of this model opened or strengthened' },
  'started-before': {
    kind: 'text',
    value: 'time',
    help: 'begun before, such as 2026-03-02 or 2026-03-02T12:00:00Z',
  },
  'signed-in-by': { kind: 'text', value: 'method', help: 'signed in by passkey or by password' },
  'dry-run': { kind: 'yes', help: 'count what would end, and end nothing' },
}

/** What only the kill switch takes. */
const conditions = ['network', 'credential', 'aaguid', 'started-before', 'signed-in-by'] as const

export async function endSessions(
  call: Call,
  gateway: Opened,
  findSession: (gateway: Opened, named: string) => Promise<SsoSession>,
): Promise<void> {
  const { flags, terminal } = call
  const [named] = call.words
  for (const name of ['account', 'app', ...conditions]) {
    // Such as an environment variable that is not set: what would be left of the conditions is more than was meant.
    if (flags.text(name)?.trim() === '') throw new UsageError(`--${name} is empty.`)
  }
  const given = ['account', 'app', ...conditions].filter((name) => flags.text(name) !== undefined)
  if (named !== undefined) {
    if (given.length > 0 || flags.yes('everyone') || flags.yes('dry-run'))
      throw new UsageError('Name one session, or say which by flags, not both.')
    const session = await findSession(gateway, named)
    return sayEnded(terminal, await gateway.commands.sessions.end(session.id, byCommandLine))
  }
  if (flags.yes('everyone') && given.length > 0)
    throw new UsageError('--everyone takes no condition: leave it out, or leave out the others.')
  if (!flags.yes('everyone') && given.length === 0)
    throw new UsageError('Say which: a session, --account, --app, --everyone or another condition.')
  const isGeneral = flags.yes('everyone') || conditions.some((name) => given.includes(name))
  if (!isGeneral && flags.text('app') !== undefined) return endAtApp(call, gateway)
  const where = await whereOf(call, gateway)
  if (flags.yes('dry-run')) return sayCounts(call, gateway, where)
  const { sessions } = gateway.commands
  const ended =
    !isGeneral && where.account !== undefined
      ? await sessions.endOfAccount(where.account, byCommandLine)
      : await sessions.endWhere(where, byCommandLine)
  await settleAndSay(terminal, gateway, ended)
}

async function whereOf({ flags }: Call, gateway: Opened): Promise<SessionWhere> {
  const accountName = flags.text('account')
  const appName = flags.text('app')
  const text = (condition: keyof SessionWhere, flag: string): object => {
    const value = flags.text(flag)
    return value === undefined ? {} : { [condition]: value }
  }
  return {
    ...readSessionWhere({
      ...text('network', 'network'),
      ...text('credential', 'credential'),
      ...text('aaguid', 'aaguid'),
      ...text('startedBefore', 'started-before'),
      ...text('method', 'signed-in-by'),
    }),
    ...(accountName === undefined ? {} : { account: (await findAccount(gateway, accountName)).id }),
    ...(appName === undefined ? {} : { app: findApp(gateway, appName).id }),
  }
}

/** The part at one app, of everybody or of one account. */
async function endAtApp({ flags, terminal }: Call, gateway: Opened): Promise<void> {
  const accountName = flags.text('account')
  const account = accountName === undefined ? undefined : await findAccount(gateway, accountName)
  const app = findApp(gateway, flags.text('app') ?? '')
  if (flags.yes('dry-run')) {
    const selector = {
      kind: 'app',
      appId: app.id,
      ...(account === undefined ? {} : { accountId: account.id }),
    } as const
    const count = await gateway.stores.sessions.countCovered({ selector, epochAt: gateway.clock.now() })
    return terminal.line(`Would end ${counted(count, 'session')} at ${app.name}, and none at the gateway.`)
  }
  await settleAndSay(
    terminal,
    gateway,
    await gateway.commands.sessions.endOfApp(app.id, account?.id, byCommandLine),
  )
}

async function sayCounts({ terminal }: Call, gateway: Opened, where: SessionWhere): Promise<void> {
  const found = await gateway.commands.sessions.countWhere(where, byCommandLine)
  const of = (count: number, one: string): string => `${grouped(count)} ${count === 1 ? one : `${one}s`}`
  terminal.line(
    `Would end ${of(found.ssoSessions, 'session')} of ${of(found.accounts, 'account')}, and with them ` +
      `${of(found.appSessions, 'session')} at ${of(found.apps, 'app')}.`,
  )
}
