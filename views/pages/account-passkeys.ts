/** The part of the account page about passkeys. */
import { type Html, html } from '../html.ts'
import { passkeyIcon } from '../icons.ts'
import { csrfField } from '../layout.ts'
import { count, passkeyNote } from '../parts.ts'
import { sampleNow } from '../sample-appearance.ts'
import { agoTime } from '../time.ts'

export interface AccountPasskey {
  readonly id: string
  /** From the authenticator ("iCloud Keychain"), or what the person called it. */
  readonly name: string
  readonly addedAt: number
  readonly lastUsedAt?: number | undefined
  /** Backed up and on several devices, or on one device only. */
  readonly synced: boolean
  /** How many live sessions it opened: they end when it is removed. */
  readonly liveSessions: number
  /** The one this page is read in is among them. */
  readonly openedThisSession: boolean
}

/** Renames post `name` to /account/passkeys/<id>/rename, removals to …/remove; adding is by script. */
export function passkeysPart(
  passkeys: readonly AccountPasskey[],
  csrf: string,
  now: number,
  note: Html | undefined,
): Html {
  return html`<section class="part" id="passkeys" aria-labelledby="passkeys-title">
<div class="part-head"><div><h2 id="passkeys-title">Passkeys</h2><p class="part-sub">Sign in by fingerprint, face or screen lock.</p></div></div>${note}
${
  passkeys.length === 0
    ? html`<p class="part-empty">You have no passkey yet.</p>`
    : html`<ul class="rows">${passkeys.map((passkey) => passkeyRow(passkey, csrf, now))}</ul>`
}
<div class="part-foot"><div class="passkey-part" data-passkey="register" data-options="/account/passkeys/options" data-finish="/account/passkeys">
${passkeyNote}<button class="button-secondary button-small" type="button" data-passkey-button>${passkeyIcon}<span>Add a passkey</span></button></div>
<p class="without-passkeys">To add a passkey, turn JavaScript on, or use a browser that has passkeys.</p></div>
</section>`
}

function passkeyRow(passkey: AccountPasskey, csrf: string, now: number): Html {
  const path = `/account/passkeys/${encodeURIComponent(passkey.id)}`
  const field = `passkey-name-${passkey.id}`
  return html`<li class="row">
<span class="row-icon">${passkeyIcon}</span>
<div class="row-words"><h3>${passkey.name}</h3>
<p>Added ${agoTime(passkey.addedAt, now)} · ${
    passkey.lastUsedAt === undefined ? 'never used' : html`last used ${agoTime(passkey.lastUsedAt, now)}`
  }</p>
<p>${passkey.synced ? 'Synced between your devices' : 'On one device only'}</p></div>
<div class="row-acts">
<details class="act" name="${field}"><summary>Rename<span class="visually-hidden"> ${passkey.name}</span></summary>
<form class="act-form" method="post" action="${path}/rename">${csrfField(csrf)}
<div class="field"><label for="${field}">Name</label><input id="${field}" name="name" value="${passkey.name}" required maxlength="60" autocomplete="off"></div>
<button class="button-secondary button-small" type="submit">Save</button></form></details>
<details class="act" name="${field}"><summary>Remove<span class="visually-hidden"> ${passkey.name}</span></summary>
<form class="act-form" method="post" action="${path}/remove">${csrfField(csrf)}
<p>You can no longer sign in with it${
    passkey.liveSessions > 0 &&
    html`, and it ends <strong>${count(passkey.liveSessions, 'session', 'sessions')}</strong> that it opened${passkey.openedThisSession && (passkey.liveSessions === 1 ? ': this one' : ', this one among them')}`
  }.</p>
<button class="button-danger button-small" type="submit">Remove this passkey</button></form></details>
</div></li>`
}

const dayMs = 86_400_000

export const samplePasskeys: readonly AccountPasskey[] = [
  {
    id: 'pk1',
    name: 'iCloud Keychain',
    addedAt: sampleNow - 120 * dayMs,
    lastUsedAt: sampleNow - 600_000,
    synced: true,
    liveSessions: 2,
    openedThisSession: true,
  },
  {
    id: 'pk2',
    name: 'YubiKey 5C NFC in the drawer',
    addedAt: sampleNow - 12 * dayMs,
    synced: false,
    liveSessions: 0,
    openedThisSession: false,
  },
]
