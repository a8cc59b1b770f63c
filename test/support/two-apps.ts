import { type SampleApp, startSampleApp } from '#test/apps/sample-app.ts'
import { type Browser, createBrowser, type Page } from './browser.ts'
import { freePort, startGateway, type TestGateway, type TestGatewayOptions } from './gateway.ts'

export const ada = {
  id: 'ada',
  email: 'ada@example.com',
  name: 'Ada',
  password: 'correct horse battery',
  groups: ['staff'],
}
export const bob = { id: 'bob', email: 'bob@example.com', name: 'Bob', password: 'another long password' }

/** A gateway with two people and two real apps, wiki (ours) and board (asks for consent when `boardAsks`). */
export interface TwoApps extends TestGateway {
  readonly wiki: SampleApp
  readonly board: SampleApp
}

const secret = (id: string): string => `${id}-secret-`.repeat(4)

/** Metadata of an app that runs at `url`, as an operator would declare it. */
export function declaredApp(
  id: string,
  url: string,
  more: Record<string, unknown> = {},
  oidc: Record<string, unknown> = {},
) {
  return {
    id,
    name: id[0]?.toUpperCase() + id.slice(1),
    launch_url: `${url}/`,
    first_party: true,
    ...more,
    oidc: {
      client_secret: secret(id),
      redirect_uris: [`${url}/callback`],
      post_logout_redirect_uris: [`${url}/`],
      backchannel_logout_uri: `${url}/backchannel-logout`,
      backchannel_logout_session_required: true,
      id_token_signed_response_alg: 'ES256',
      grant_types: ['authorization_code', 'refresh_token'],
      ...oidc,
    },
  }
}

export interface TwoAppsOptions extends TestGatewayOptions {
  readonly wiki?: Record<string, unknown>
  readonly board?: Record<string, unknown>
  readonly boardOidc?: Record<string, unknown>
  /** Declared beside the two; nothing runs there. */
  readonly moreApps?: readonly Record<string, unknown>[]
}

/** Starts them all: the gateway's address first, because the apps know it; the apps next, because the gateway's file names theirs. */
export async function startTwoApps(options: TwoAppsOptions = {}): Promise<TwoApps> {
  const port = options.port ?? (await freePort())
  const start = (id: string) =>
    startSampleApp({
      name: id,
      issuer: `http://localhost:${port}`,
      clientId: id,
      clientSecret: secret(id),
      port: 0,
    })
  const wiki = await start('wiki')
  const board = await start('board')
  const gateway = await startGateway({
    ...options,
    port,
    settings: {
      accounts: [ada, bob],
      apps: [
        declaredApp('wiki', wiki.url, options.wiki),
        declaredApp('board', board.url, options.board, options.boardOidc),
        ...(options.moreApps ?? []),
      ],
      ...options.settings,
    },
  })
  return {
    ...gateway,
    wiki,
    board,
    [Symbol.asyncDispose]: async () => {
      await wiki.close()
      await board.close()
      await gateway[Symbol.asyncDispose]()
    },
  }
}

/** Opens the app's sign-in and answers the password page where one is shown. */
export async function signInAt(
  browser: Browser,
  app: SampleApp,
  person: { readonly email: string; readonly password: string } = ada,
): Promise<Page> {
  const page = await browser.get(`${app.url}/sign-in`)
  return page.text.includes('name="password"') ? signInOn(browser, page, person) : page
}

/** Fills in the sign-in page and lets go of the offer of a passkey. */
export async function signInOn(
  browser: Browser,
  page: Page,
  person: { readonly email: string; readonly password: string } = ada,
): Promise<Page> {
  const next = await browser.submit(
    page,
    { email: person.email, password: person.password },
    { action: '/sign-in' },
  )
  return next.text.includes('Not now') ? browser.submit(next, {}, { action: notNow(next) }) : next
}

function notNow(page: Page): string {
  return /<form[^>]*action="([^"]*)"[^>]*>(?:(?!<\/form>)[\s\S])*Not now/.exec(page.text)?.[1] ?? '/'
}

/** Signs in at the gateway itself. */
export async function signInAtGateway(
  gateway: TestGateway,
  person = ada,
  browser = createBrowser(),
): Promise<Browser> {
  await signInOn(browser, await browser.get(`${gateway.issuer}/sign-in`), person)
  return browser
}
