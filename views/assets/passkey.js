// @ts-check
/**
 * Passkeys in the browser: signing in by a button or from the e-mail field's suggestions, and creating one.
 *
 * Talks to two addresses that the page names: `data-options` answers a JSON POST with `{ options }`, `data-finish`
 * takes `{ credential }` and answers `{ location }`. Both get the form's fields beside it (never the password), the
 * `attempt`, and the header `x-csrf`. A refusal is a problem document, whose `detail` is shown, or `{ location }`,
 * where the page goes instead (a fresh proof is needed, or the sign-in has expired).
 *
 * Runs before the body is read, so that the page is laid out with or without passkeys from the first paint on.
 */
;(() => {
  if (!window.PublicKeyCredential || !navigator.credentials) return
  document.documentElement.classList.add('passkeys')

  /** The request that waits behind the e-mail field, which a click on the button must end first. @type {AbortController | undefined} */
  let waiting

  document.addEventListener('DOMContentLoaded', () => {
    for (const part of document.querySelectorAll('[data-passkey]')) start(/** @type {HTMLElement} */ (part))
  })

  function start(/** @type {HTMLElement} */ part) {
    const button = part.querySelector('[data-passkey-button]')
    button?.addEventListener('click', () => {
      if (button.getAttribute('aria-busy') === 'true' || !fieldsAreValid(part)) return
      void byButton(part, button)
    })
    void suggest(part)
  }

  async function byButton(/** @type {HTMLElement} */ part, /** @type {Element} */ button) {
    const signingIn = part.dataset['passkey'] === 'sign-in'
    button.setAttribute('aria-busy', 'true')
    say(part, undefined)
    try {
      await ceremony(part, signingIn ? ask : create)
    } catch (error) {
      if (error instanceof Refusal && error.next !== undefined) return go(error.next)
      button.removeAttribute('aria-busy')
      say(part, words(error, signingIn))
      void suggest(part)
    }
  }

  /** Offers passkeys among the suggestions of the e-mail field, and again when the challenge has run out. */
  async function suggest(/** @type {HTMLElement} */ part) {
    if (part.dataset['passkey'] !== 'sign-in' || !document.querySelector('[autocomplete~="webauthn"]')) return
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return
    // Somebody was faster than the browser's answer: what the button started must not be ended by this.
    if (part.querySelector('[aria-busy="true"]')) return
    let chosen = false
    try {
      await ceremony(part, async (options, signal) => {
        const again = () => signal === waiting?.signal && suggest(part)
        setTimeout(() => whenVisible(again), options.timeout ?? 300_000)
        const credential = await ask(options, signal, 'conditional')
        chosen = true
        return credential
      })
    } catch (error) {
      // Until a passkey was chosen nobody asked for anything, so nothing is said and nothing moves.
      if (!chosen) return
      if (error instanceof Refusal && error.next !== undefined) return go(error.next)
      say(part, words(error, true))
    }
  }

  function whenVisible(/** @type {() => void} */ act) {
    if (document.visibilityState === 'visible') act()
    else document.addEventListener('visibilitychange', act, { once: true })
  }

  /**
   * From the options to the answer, and on to where the server says.
   * @param {HTMLElement} part
   * @param {(options: any, signal: AbortSignal) => Promise<Credential | null>} perform
   */
  async function ceremony(part, perform) {
    waiting?.abort()
    waiting = new AbortController()
    const { signal } = waiting
    const { options } = await post(part.dataset['options'], fields(part))
    if (signal.aborted) return
    const credential = toJson(await perform(options, signal))
    const { location: next } = await post(part.dataset['finish'], { ...fields(part), credential }).catch(
      (error) => {
        if (error.unknownCredential) forget(options.rpId, credential.id)
        throw error
      },
    )
    await go(next)
  }

  /** Tells the person's passkey manager not to offer again what was removed here. */
  function forget(/** @type {string} */ rpId, /** @type {string} */ credentialId) {
    void PublicKeyCredential.signalUnknownCredential?.({ rpId, credentialId }).catch(() => {})
  }

  function ask(
    /** @type {any} */ options,
    /** @type {AbortSignal} */ signal,
    /** @type {CredentialMediationRequirement} */ mediation = 'optional',
  ) {
    return navigator.credentials.get({ publicKey: requestOptions(options), signal, mediation })
  }

  function create(/** @type {any} */ options, /** @type {AbortSignal} */ signal) {
    return navigator.credentials.create({ publicKey: creationOptions(options), signal })
  }

  /** A refusal by the server, in words that may be shown, and perhaps a page to go on to. */
  class Refusal extends Error {
    constructor(/** @type {any} */ problem = {}) {
      super(problem.detail ?? problem.title ?? 'That did not work. Try again.')
      /** @type {string | undefined} */
      this.next = problem.location
      this.unknownCredential = problem.unknown_credential === true
    }
  }

  /** @returns {Promise<any>} */
  async function post(/** @type {string | undefined} */ path, /** @type {object} */ body) {
    const answer = await fetch(path ?? '', {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        'x-csrf': document.querySelector('meta[name=csrf]')?.getAttribute('content') ?? '',
      },
      body: JSON.stringify(body),
    }).catch(() => {
      throw new Refusal({ detail: 'The gateway does not answer. Check your connection and try again.' })
    })
    const json = await answer.json().catch(() => ({}))
    if (!answer.ok) throw new Refusal(json)
    return json
  }

  /** On to a page of ours; never resolves, so nothing flashes up on the way. */
  function go(/** @type {string} */ next) {
    const address = new URL(next, location.href)
    if (address.origin !== location.origin) throw new Refusal()
    const samePage = address.pathname === location.pathname && address.search === location.search
    location.assign(address)
    // To another part of this page the browser only scrolls; what is new on it would not be seen.
    if (samePage) location.reload()
    return new Promise(() => {})
  }

  /** What the forms around the button hold: e-mail and name at set-up, "keep me signed in", the attempt. */
  function fields(/** @type {HTMLElement} */ part) {
    /** @type {Record<string, string>} */
    const values = part.dataset['attempt'] ? { attempt: part.dataset['attempt'] } : {}
    for (const name of part.dataset['passkey'] === 'set-up' ? ['email', 'name'] : ['remember']) {
      const input = document.querySelector(`input[name=${name}]`)
      if (input instanceof HTMLInputElement && (input.type !== 'checkbox' || input.checked))
        values[name] = input.value
    }
    return values
  }

  /** At set-up e-mail and name come first; the password beside them is not asked for. */
  function fieldsAreValid(/** @type {HTMLElement} */ part) {
    if (part.dataset['passkey'] !== 'set-up') return true
    return [...part.querySelectorAll('input:not([type=password])')].every(
      (input) => !(input instanceof HTMLInputElement) || input.reportValidity(),
    )
  }

  function say(/** @type {HTMLElement} */ part, /** @type {string | undefined} */ message) {
    const note = part.querySelector('[data-passkey-note]')
    const line = note?.querySelector('p')
    if (line) line.textContent = message ?? ''
    note?.toggleAttribute('hidden', message === undefined)
  }

  function words(/** @type {unknown} */ error, /** @type {boolean} */ signingIn) {
    if (error instanceof Refusal) return error.message
    switch (error instanceof Error ? error.name : '') {
      case 'AbortError':
        return undefined
      case 'NotAllowedError':
        return signingIn
          ? 'No passkey was used. Try again, or use your password.'
          : 'No passkey was created. You can try again.'
      case 'InvalidStateError':
        return 'This device has a passkey for your account already.'
      case 'SecurityError':
        return 'Passkeys do not work at this address. Ask whoever runs this gateway.'
      default:
        return 'That did not work. Try again.'
    }
  }

  // WebAuthn speaks bytes, JSON does not. Newer browsers translate themselves; the rest of this file is for the others.

  /** @returns {PublicKeyCredentialRequestOptions} */
  function requestOptions(/** @type {any} */ json) {
    if (PublicKeyCredential.parseRequestOptionsFromJSON)
      return PublicKeyCredential.parseRequestOptionsFromJSON(json)
    return { ...json, challenge: bytes(json.challenge), allowCredentials: descriptors(json.allowCredentials) }
  }

  /** @returns {PublicKeyCredentialCreationOptions} */
  function creationOptions(/** @type {any} */ json) {
    if (PublicKeyCredential.parseCreationOptionsFromJSON)
      return PublicKeyCredential.parseCreationOptionsFromJSON(json)
    return {
      ...json,
      challenge: bytes(json.challenge),
      user: { ...json.user, id: bytes(json.user.id) },
      excludeCredentials: descriptors(json.excludeCredentials),
    }
  }

  function descriptors(/** @type {{ id: string }[] | undefined} */ list) {
    return list?.map((one) => ({ ...one, id: bytes(one.id) }))
  }

  function toJson(/** @type {any} */ credential) {
    if (credential === null) throw new DOMException('', 'NotAllowedError')
    if (typeof credential.toJSON === 'function') return credential.toJSON()
    const { response } = credential
    return {
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
      clientExtensionResults: credential.getClientExtensionResults(),
      response: {
        clientDataJSON: text(response.clientDataJSON),
        ...(response.attestationObject
          ? {
              attestationObject: text(response.attestationObject),
              transports: response.getTransports?.() ?? [],
            }
          : {
              authenticatorData: text(response.authenticatorData),
              signature: text(response.signature),
              userHandle: response.userHandle ? text(response.userHandle) : undefined,
            }),
      },
    }
  }

  function bytes(/** @type {string} */ base64url) {
    const binary = atob(base64url.replace(/-/g, '+').replace(/_/g, '/'))
    return Uint8Array.from(binary, (character) => character.charCodeAt(0))
  }

  function text(/** @type {ArrayBuffer} */ buffer) {
    const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('')
    return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
  }
})()
