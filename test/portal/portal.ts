import type { Account } from '#gateway/accounts/account.ts'
import type { NewAccount } from '#gateway/administration/accounts.ts'
import { type AppId, newId } from '#gateway/kernel/ids.ts'
import type { AppSession } from '#gateway/sessions/app-session.ts'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import { startGateway, type TestGateway, type TestGatewayOptions } from '#test/support/gateway.ts'
import { Visitor } from './visitor.ts'

export const password = 'correct horse battery'
export const ada = 'ada@example.com'

export type Portal = TestGateway & {
  /** A browser that was never here before. */
  visitor(userAgent?: string): Visitor
  addPerson(of?: Partial<NewAccount>): Promise<Account>
  /** A browser in which this person has signed in, past the offer of a passkey. */
  signedIn(email?: string, userAgent?: string): Promise<Visitor>
  /** The live sessions of a person, newest first. */
  sessionsOf(account: Account): Promise<readonly SsoSession[]>
  join(session: SsoSession, appId: string): Promise<AppSession>
}

/** The gateway with one app, `wiki`, and nobody in it. */
export async function startPortal(options: TestGatewayOptions = {}): Promise<Portal> {
  const test = await startGateway({
    ...options,
    settings: { apps: [app('wiki', 'Wiki')], ...options.settings },
  })
  const { gateway, issuer } = test
  const visitor = (userAgent?: string): Visitor => new Visitor(issuer, userAgent)
  return Object.assign(test, {
    visitor,
    addPerson: (of: Partial<NewAccount> = {}) =>
      gateway.commands.accounts.create(
        { email: ada, name: 'Ada Lovelace', password, ...of },
        { kind: 'command-line' },
      ),
    signedIn: async (email = ada, userAgent?: string) => {
      const browser = visitor(userAgent)
      await browser.signIn(email, password)
      if (browser.sessionCookie === undefined) throw new Error(`${email} could not sign in`)
      return browser
    },
    sessionsOf: (account: Account) =>
      gateway.stores.sessions.listByAccount(account.id, { state: 'active', limit: 100 }),
    join: async (session: SsoSession, appId: string) => {
      const joined = await gateway.sessions.join({
        id: newId('appSession', gateway.random),
        ssoSessionId: session.id,
        accountId: session.accountId,
        appId: appId as AppId,
        sid: newId('attempt', gateway.random),
      })
      if (joined === undefined) throw new Error('the session has ended')
      return joined.appSession
    },
  })
}

/** An app as the configuration declares it; told at `logoutUri` where it has one. */
export function app(id: string, name: string, logoutUri?: string): Record<string, unknown> {
  return {
    id,
    name,
    launch_url: `http://127.0.0.1:4001/${id}`,
    first_party: true,
    oidc: {
      client_id: id,
      token_endpoint_auth_method: 'none',
      redirect_uris: [`http://127.0.0.1:4001/${id}/callback`],
      post_logout_redirect_uris: [`http://127.0.0.1:4001/${id}/`],
      ...(logoutUri === undefined ? {} : { backchannel_logout_uri: logoutUri }),
    },
  }
}
