/** A device's own authenticator, as Chromium lends one to tests. */
import type { BrowserContext, Page } from 'playwright-core'

/** What a passkey manager carries from one device to another. */
export interface Passkey {
  readonly credentialId: string
  readonly isResidentCredential: boolean
  readonly privateKey: string
  readonly signCount: number
}

export interface Authenticator {
  /** False: nobody touches the sensor, so the page has to be answered another way. */
  touch(automatically: boolean): Promise<void>
  passkeys(): Promise<readonly Passkey[]>
  add(passkey: Passkey): Promise<void>
}

/** Says yes to whatever this page asks, until told not to. */
export async function addAuthenticator(context: BrowserContext, page: Page): Promise<Authenticator> {
  const devtools = await context.newCDPSession(page)
  await devtools.send('WebAuthn.enable', { enableUI: false })
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      defaultBackupEligibility: true,
      defaultBackupState: true,
    },
  })
  return {
    touch: async (enabled) => {
      await devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
    },
    passkeys: async () => (await devtools.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    add: async (credential) => {
      await devtools.send('WebAuthn.addCredential', { authenticatorId, credential })
    },
  }
}
