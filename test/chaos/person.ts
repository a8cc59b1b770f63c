/**
 * A person in a process of their own, who does one thing again and again and says how long each time took: `open` opens an app with a live
 * session, `sign-in` signs in by the page.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Visitor } from '#test/portal/visitor.ts'
import { createBrowser } from '#test/support/browser.ts'
import { authorize, gatewayEndpoints } from '#test/support/oauth.ts'
import { ada, declaredApp } from '#test/support/two-apps.ts'
import type { FromPerson, ToPerson } from './processes.ts'

const [what = '', issuer = '', appId = '', appUrl = ''] = process.argv.slice(2)
const everyMs = 50
let took: number[] = []

const act = what === 'open' ? await opener() : signIn
await act()
process.on('message', (message: ToPerson) => {
  if (message === 'forget') took = []
  else say({ took })
})
process.once('disconnect', () => process.exit())
say('ready')
for (;;) {
  const began = performance.now()
  await act()
  took.push(performance.now() - began)
  await sleep(everyMs)
}

async function opener(): Promise<() => Promise<void>> {
  const browser = createBrowser()
  const page = await browser.get(`${issuer}/sign-in`)
  await browser.submit(page, { email: ada.email, password: ada.password }, { action: '/sign-in' })
  const client = {
    issuer,
    clientId: appId,
    clientSecret: declaredApp(appId, appUrl).oidc.client_secret,
    redirectUri: `${appUrl}/callback`,
    endpoints: gatewayEndpoints(issuer),
  }
  return async () => {
    const outcome = await authorize(browser, client, { prompt: 'none' })
    if (outcome.kind !== 'code')
      throw new Error(`an app could not be opened: ${JSON.stringify(outcome).slice(0, 300)}`)
  }
}

async function signIn(): Promise<void> {
  const { status } = await new Visitor(issuer).signIn(ada.email, ada.password)
  if (status !== 303) throw new Error(`a sign-in was answered with ${status}`)
}

function say(message: FromPerson): void {
  process.send?.(message)
}
