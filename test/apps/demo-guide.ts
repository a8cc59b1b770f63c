import type { DeclaredApp, GatehouseConfig } from '#config/resolved.ts'
import { html, toText } from '#views/html.ts'

/** What the demo tells people: whom to sign in as and what to try. */
type Demo = Pick<GatehouseConfig, 'issuer' | 'appearance' | 'apps' | 'accounts'>

/** For the terminal. */
export function guideText(demo: Demo, address: string): string {
  const places = [
    ['Gateway', `${demo.issuer}/`, ''],
    ...demo.apps.map((app) => [app.name, `${originOf(app)}/`, consentWords(app)]),
    ['This guide', address, 'in a browser; it can stop and start the apps'],
  ]
  const people = demo.accounts.map(({ email, password, operator }) => [
    email,
    password ?? '',
    operator ? 'operator' : '',
  ])
  return `
${demo.appearance.name} is running.

${columns(places)}

  Sign in as
${columns(people)}

  Try
${steps(demo)
  .map((step, index) => `  ${index + 1}. ${step}`)
  .join('\n')}

Ctrl-C stops everything.`
}

/** For a browser. `isRunning` says which apps are up now. */
export function guidePage(demo: Demo, isRunning: (appId: string) => boolean): string {
  const title = demo.appearance.name
  return toText(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>
:root { color-scheme: light dark; --line: light-dark(#d9dbe1, #3a3d45); --quiet: light-dark(#5b5e66, #a5a8b0) }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1.25rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
table { border-collapse: collapse; width: 100% }
td { padding: .45rem 1rem .45rem 0; border-top: 1px solid var(--line); vertical-align: baseline }
td:last-child { padding-right: 0; text-align: right }
li { margin: .35rem 0 }
.quiet { color: var(--quiet) }
form { display: inline } button { font: inherit; font-size: .9rem; padding: .1rem .7rem; margin-left: .5rem; cursor: pointer }
code { font-size: .95em }
</style>
</head>
<body>
<h1>${title}</h1>
<table>
<tr><td><a href="${demo.issuer}/">Gateway</a></td><td class="quiet">where people sign in; their apps and their account</td><td></td></tr>
${demo.apps.map((app) => appRow(app, isRunning(app.id)))}
</table>
<h2>Sign in as</h2>
<table>
${demo.accounts.map(
  ({ email, password, operator }) =>
    html`<tr><td>${email}</td><td><code>${password}</code></td><td class="quiet">${operator && 'operator'}</td></tr>`,
)}
</table>
<h2>Try</h2>
<ol>${steps(demo).map((step) => html`<li>${step}</li>`)}</ol>
</body>
</html>
`)
}

/** Where an app's pages are. */
export function originOf(app: DeclaredApp): string {
  return new URL(app.launchUrl ?? app.oidc.redirect_uris[0] ?? '').origin
}

function appRow(app: DeclaredApp, running: boolean) {
  const verb = running ? 'stop' : 'start'
  const place = running ? html`<a href="${originOf(app)}/">${app.name}</a>` : app.name
  return html`<tr><td>${place}</td><td class="quiet">${consentWords(app)}</td>
<td>${running ? 'running' : 'down'}<form method="post" action="/apps/${app.id}/${verb}"><button>${running ? 'Stop' : 'Start'}<span hidden> ${app.name}</span></button></form></td></tr>`
}

function consentWords(app: DeclaredApp): string {
  return app.firstParty ? 'opens without a question' : 'asks for consent, once'
}

function steps({ apps }: Demo): readonly string[] {
  const [first, second] = apps.map(({ name }) => name)
  return [
    `Open ${first} and sign in with e-mail and password. The passkey you are offered signs you in next time.`,
    `Open ${second}: no second sign-in, only a question.`,
    `Sign out at ${second}, then look at ${first}: it was told, and has signed you out, too.`,
    `Sign in at both again. Stop ${second} on the page of this guide and sign out at the gateway: you see who has confirmed and who has not. Start it: it is told.`,
    'Sign in once more, and end the session from a terminal: npx gatehouse session end --account ada@example.com --config config/demo.yaml',
  ]
}

function columns(rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  return rows
    .map((row) => `    ${row.map((cell, column) => cell.padEnd(width(column))).join('   ')}`.trimEnd())
    .join('\n')
}
