import type { DeclaredApp, GatehouseConfig } from '#config/resolved.ts'
import { html, toText } from '#views/html.ts'

/** What the demo tells people: whom to sign in as and what to try. */
type Demo = Pick<GatehouseConfig, 'issuer' | 'appearance' | 'apps' | 'accounts'>

/** For the terminal. */
export function guideText(demo: Demo, address: string): string {
  const places = [
    ['Gateway', `${demo.issuer}/`, ''],
    ...demo.apps.map((app) => [app.name, app.launchUrl ?? '', consentWords(app)]),
    ['This page', address, ''],
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

/** For a browser. */
export function guidePage(demo: Demo): string {
  const title = demo.appearance.name
  return toText(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
:root { color-scheme: light dark }
body { font: 1.1rem/1.6 system-ui; max-width: 42rem; margin: 3rem auto; padding: 0 1rem }
td { padding: .2rem 1rem .2rem 0 }
</style>
</head>
<body>
<h1>${title}</h1>
<ul>
<li><a href="${demo.issuer}/">Gateway</a></li>
${demo.apps.map((app) => html`<li><a href="${app.launchUrl ?? ''}">${app.name}</a>: ${consentWords(app)}</li>`)}
</ul>
<h2>Sign in as</h2>
<table>
${demo.accounts.map(
  ({ email, password, operator }) =>
    html`<tr><td>${email}</td><td><code>${password}</code></td><td>${operator && 'operator'}</td></tr>`,
)}
</table>
<h2>Try</h2>
<ol>${steps(demo).map((step) => html`<li>${step}</li>`)}</ol>
</body>
</html>
`)
}

function consentWords(app: DeclaredApp): string {
  return app.firstParty ? 'opens without a question' : 'asks for consent, once'
}

function steps({ apps }: Demo): readonly string[] {
  const [first, second] = apps.map(({ name }) => name)
  return [
    `Open ${first} and sign in with e-mail and password.`,
    `Open ${second}: no second sign-in, only a question.`,
    'At the gateway, add a passkey on the account page; next time it signs you in without a password.',
    `Sign out at ${second}, then look at ${first}: it was told, and has signed you out, too.`,
    'Sign in again, and end the session from a terminal: npx gatehouse session list --config config/demo.yaml',
  ]
}

function columns(rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  return rows
    .map((row) => `    ${row.map((cell, column) => cell.padEnd(width(column))).join('   ')}`.trimEnd())
    .join('\n')
}
