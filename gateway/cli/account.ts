import type { Account } from '../accounts/account.ts'
import { foldEmail } from '../accounts/account.ts'
import { GatewayError } from '../kernel/errors.ts'
import { parseAccountId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { FlagSpecs } from './flags.ts'
import { byCommandLine, type Opened, withGateway } from './open.ts'
import { settleAndSay, timesAsText } from './say.ts'
import { printable } from './terminal.ts'
import { type Call, UsageError, type Verb } from './verb.ts'

/** 120 bits: nobody guesses it, and it can still be read out over the telephone. */
const generatedPasswordBytes = 15
const pageSize = 200

const passwordFlags: FlagSpecs = {
  'password-stdin': { kind: 'yes', help: 'read the password from standard input instead of making one' },
}

export const accountVerbs: readonly Verb[] = [
  {
    name: 'account create',
    usage: '<e-mail> [--name <name>] [--group <group>]… [--operator] [--password-stdin]',
    summary: 'make an account and print its first password, once',
    flags: {
      name: { kind: 'text', value: 'name', help: 'shown instead of the address' },
      group: { kind: 'texts', value: 'group', help: 'a group it belongs to; repeat for more' },
      operator: { kind: 'yes', help: 'may run this gateway' },
      ...passwordFlags,
    },
    words: { min: 1, max: 1 },
    run: (call) => withGateway(call, (gateway) => create(call, gateway)),
  },
  {
    name: 'account list',
    usage: '[--json]',
    summary: 'all accounts, by e-mail',
    flags: { json: { kind: 'yes', help: 'print JSON' } },
    words: { min: 0, max: 0 },
    run: (call) => withGateway(call, (gateway) => list(call, gateway)),
  },
  {
    name: 'account disable',
    usage: '<account>',
    summary: 'end all its sessions and let it sign in no more',
    flags: {},
    words: { min: 1, max: 1 },
    run: (call) =>
      onAccount(call, async (gateway, account) => {
        const ended = await gateway.commands.accounts.disable(account.id, byCommandLine)
        call.terminal.line(`Disabled ${account.email}.`)
        await settleAndSay(call.terminal, gateway, ended)
      }),
  },
  {
    name: 'account enable',
    usage: '<account>',
    summary: 'let it sign in again',
    flags: {},
    words: { min: 1, max: 1 },
    run: (call) =>
      onAccount(call, async (gateway, account) => {
        await gateway.commands.accounts.enable(account.id, byCommandLine)
        call.terminal.line(`Enabled ${account.email}.`)
      }),
  },
  {
    name: 'account delete',
    usage: '<account>',
    summary: 'end all its sessions and delete it with its passkeys',
    flags: {},
    words: { min: 1, max: 1 },
    run: (call) =>
      onAccount(call, async (gateway, account) => {
        const ended = await gateway.commands.accounts.delete(account.id, byCommandLine)
        call.terminal.line(`Deleted ${account.email}.`)
        await settleAndSay(call.terminal, gateway, ended)
      }),
  },
  {
    name: 'account reset',
    usage: '<account> [--password-stdin]',
    summary: 'remove its passkeys, end all its sessions and print a new password, once',
    flags: passwordFlags,
    words: { min: 1, max: 1 },
    run: (call) => onAccount(call, (gateway, account) => reset(call, gateway, account)),
  },
  {
    name: 'account operator',
    usage: '[<account> [--remove]]',
    summary: 'make it an operator; without an account: print another set-up link while there is no operator',
    flags: { remove: { kind: 'yes', help: 'take the role away' } },
    words: { min: 0, max: 1 },
    run: (call) =>
      call.words.length === 0
        ? withGateway(call, (gateway) => printSetUpLink(call, gateway))
        : onAccount(call, (gateway, account) => setOperator(call, gateway, account)),
  },
]

async function create(call: Call, gateway: Opened): Promise<void> {
  const [email = ''] = call.words
  const name = call.flags.text('name')
  const chosen = call.flags.yes('password-stdin')
  const password = chosen ? await call.terminal.readSecret() : generatePassword(gateway.random)
  const account = await gateway.commands.accounts.create(
    {
      email,
      ...(name === undefined ? {} : { name }),
      groups: call.flags.texts('group'),
      operator: call.flags.yes('operator'),
      password,
    },
    byCommandLine,
  )
  call.terminal.line(`Created ${account.email} (${account.id}).`)
  if (!chosen) call.terminal.line(`Password, shown only now: ${password}`)
}

async function list(call: Call, gateway: Opened): Promise<void> {
  const accounts: Account[] = []
  let after: string | undefined
  for (;;) {
    const page = await gateway.stores.accounts.list({
      limit: pageSize,
      ...(after === undefined ? {} : { after }),
    })
    accounts.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) break
    after = foldEmail(last.email)
  }
  if (call.flags.yes('json')) {
    call.terminal.json(accounts.map(({ webauthnUser: _, ...account }) => timesAsText(account)))
    return
  }
  call.terminal.table(
    ['E-MAIL', 'NAME', 'STATE', 'ROLE', 'GROUPS', 'ID'],
    accounts.map((account) => [
      account.email,
      account.name,
      account.state + (account.fileOwned ? ' (file)' : ''),
      account.operator ? 'operator' : '-',
      account.groups.join(', ') || '-',
      account.id,
    ]),
  )
}

async function reset(call: Call, gateway: Opened, account: Account): Promise<void> {
  if (account.fileOwned) {
    if (call.flags.yes('password-stdin')) {
      throw new GatewayError(
        'account_file_owned',
        'The configuration file decides the password of this account.',
      )
    }
    const ended = await gateway.commands.accounts.reset(account.id, undefined, byCommandLine)
    call.terminal.line(
      `Removed the passkeys of ${account.email}; its password is the one in the configuration file.`,
    )
    return settleAndSay(call.terminal, gateway, ended)
  }
  const chosen = call.flags.yes('password-stdin')
  const password = chosen ? await call.terminal.readSecret() : generatePassword(gateway.random)
  const ended = await gateway.commands.accounts.reset(account.id, password, byCommandLine)
  call.terminal.line(`Reset ${account.email}: its passkeys are gone and it has a new password.`)
  if (!chosen) call.terminal.line(`Password, shown only now: ${password}`)
  await settleAndSay(call.terminal, gateway, ended)
}

async function setOperator(call: Call, gateway: Opened, account: Account): Promise<void> {
  const operator = !call.flags.yes('remove')
  await gateway.commands.accounts.change(account.id, { operator }, byCommandLine)
  call.terminal.line(
    operator ? `${account.email} is an operator now.` : `${account.email} is no operator any more.`,
  )
}

async function printSetUpLink(call: Call, gateway: Opened): Promise<void> {
  if (call.flags.yes('remove')) throw new UsageError('Name the account that shall be no operator any more.')
  const token = await gateway.createSetUpLink()
  if (token === undefined) {
    throw new GatewayError(
      'account_exists',
      'There is an operator already. To make another: gatehouse account operator <account>',
    )
  }
  call.terminal.line(
    `Make the first operator account within 30 minutes: ${gateway.config.issuer}/set-up/${token}`,
  )
}

function onAccount(call: Call, work: (gateway: Opened, account: Account) => Promise<void>): Promise<void> {
  return withGateway(call, async (gateway) => work(gateway, await findAccount(gateway, call.words[0] ?? '')))
}

/** By id or e-mail, as people have them at hand. */
export async function findAccount(gateway: Opened, named: string): Promise<Account> {
  const folded = foldEmail(named)
  const id = parseAccountId(named)
  const account =
    (id === undefined ? undefined : await gateway.stores.accounts.find(id)) ??
    (folded === undefined ? undefined : await gateway.stores.accounts.findByFoldedEmail(folded))
  if (account !== undefined) return account
  throw new GatewayError(
    'account_not_found',
    `There is no account ${printable(named)}. See: gatehouse account list`,
  )
}

function generatePassword(random: Random): string {
  return random.bytes(generatedPasswordBytes).toString('base64url')
}
