/** The part of the account page about live sessions. */

import { appMark } from '../app-mark.ts'
import type { AppFace } from '../appearance.ts'
import { type Html, html } from '../html.ts'
import { deviceIcon, handheldIcon } from '../icons.ts'
import { csrfField } from '../layout.ts'
import { count } from '../parts.ts'
import { sampleNow } from '../sample-appearance.ts'
import { agoTime, clockTime } from '../time.ts'

export interface AccountSession {
  readonly id: string
  /** The one this page is read in. */
  readonly current: boolean
  /** "Firefox on Linux". */
  readonly device: string
  /** A phone or a tablet. */
  readonly handheld: boolean
  readonly address: string
  readonly startedAt: number
  readonly lastActiveAt: number
  /** However much it is used. */
  readonly lastsUntil: number
  /** "a passkey", "your password": how the person signed in. */
  readonly method: string
  /** The apps with a live session under this one. */
  readonly apps: readonly AppFace[]
}

/** Ends one by posting to /account/sessions/<id>/end, all others to /account/sessions/end-others. */
export function sessionsPart(
  sessions: readonly AccountSession[],
  csrf: string,
  now: number,
  note: Html | undefined,
): Html {
  const others = sessions.filter((session) => !session.current).length
  return html`<section class="part" id="sessions" aria-labelledby="sessions-title">
<div class="part-head"><div><h2 id="sessions-title">Sessions</h2><p class="part-sub">Where you are signed in. Signing out there tells its apps to sign you out too.</p></div></div>${note}
<ul class="rows">${sessions.map((session) => sessionRow(session, csrf, now))}</ul>
${
  others > 0 &&
  html`<div class="part-foot"><form method="post" action="/account/sessions/end-others">${csrfField(csrf)}<button class="button-danger button-small" type="submit">Sign out everywhere else</button></form></div>`
}
</section>`
}

function sessionRow(session: AccountSession, csrf: string, now: number): Html {
  return html`<li class="row">
<span class="row-icon">${session.handheld ? handheldIcon : deviceIcon}</span>
<div class="row-words"><h3>${session.device}${session.current && html` <span class="badge">This device</span>`}</h3>
<p>${session.address} · ${session.current ? 'active now' : html`active ${agoTime(session.lastActiveAt, now)}`}</p>
<p>Signed in ${agoTime(session.startedAt, now)} with ${session.method} · until ${clockTime(session.lastsUntil, now)} at the latest</p>
${session.apps.length > 0 && appList(session)}</div>
<div class="row-acts"><form method="post" action="/account/sessions/${encodeURIComponent(session.id)}/end">${csrfField(csrf)}<button class="button-quiet button-small" type="submit">Sign out<span class="visually-hidden"> ${session.device}</span></button></form></div></li>`
}

function appList({ apps }: AccountSession): Html {
  return html`<details class="apps"><summary>${count(apps.length, 'app', 'apps')}</summary><ul class="app-list">${apps.map(
    (app) => html`<li>${appMark(app, 'small')}<span>${app.name}</span></li>`,
  )}</ul></details>`
}

const hourMs = 3_600_000

export const sampleSessions: readonly AccountSession[] = [
  {
    id: 's1',
    current: true,
    device: 'Firefox on Linux',
    handheld: false,
    address: '192.0.2.17',
    startedAt: sampleNow - 2 * hourMs,
    lastActiveAt: sampleNow - 5_000,
    lastsUntil: sampleNow + 22 * hourMs,
    method: 'a passkey',
    apps: [{ name: 'Wiki' }, { name: 'Notes' }],
  },
  {
    id: 's2',
    current: false,
    device: 'Safari on iPhone',
    handheld: true,
    address: '2001:db8:85a3::8a2e:370:7334',
    startedAt: sampleNow - 9 * hourMs,
    lastActiveAt: sampleNow - 40 * 60_000,
    lastsUntil: sampleNow + 5 * hourMs,
    method: 'a passkey',
    apps: [{ name: 'Build Server' }],
  },
  {
    id: 's3',
    current: false,
    device: 'Chrome on Windows',
    handheld: false,
    address: '198.51.100.4',
    startedAt: sampleNow - 20 * hourMs,
    lastActiveAt: sampleNow - 7 * hourMs,
    lastsUntil: sampleNow + hourMs,
    method: 'your password',
    apps: [],
  },
]
