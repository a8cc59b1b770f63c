import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'

export interface AuthenticatorOptions {
  /** Origin of the page that runs the ceremonies. */
  readonly origin: string
  readonly algorithm?: Algorithm
  readonly aaguid?: string
  /** May be synced to other devices; default true, as of platform passkeys. */
  readonly backupEligible?: boolean
  readonly backedUp?: boolean
  /** Counts its signatures; default false, as synced passkeys do not. */
  readonly counts?: boolean
}

export type Algorithm = 'ES256' | 'EdDSA' | 'RS256'

/** What a dishonest browser or authenticator says instead of the truth. */
export interface Lies {
  readonly origin?: string
  readonly type?: string
  readonly challenge?: string
  readonly crossOrigin?: boolean
  readonly topOrigin?: string
  readonly rpId?: string
  readonly userVerified?: boolean
  readonly userPresent?: boolean
  readonly backupEligible?: boolean
  readonly backedUp?: boolean
  readonly counter?: number
  readonly badSignature?: boolean
  /** Of an assertion. `null` leaves it out. */
  readonly userHandle?: string | null
  /** The id of another credential. */
  readonly webauthnId?: string
  /** Of a registration: a packed attestation, by the credential itself or by a made-up certificate. */
  readonly attestation?: 'self' | 'chain'
  /** Of a registration: ignores that the authenticator holds a credential of `excludeCredentials` already. */
  readonly ignoreExclusions?: boolean
}

interface Held {
  readonly webauthnId: string
  readonly userHandle: string
  readonly rpId: string
  readonly privateKey: KeyObject
  counter: number
}

export type SoftwareAuthenticator = ReturnType<typeof createSoftwareAuthenticator>

/**
 * An authenticator together with its browser, in software: it makes discoverable passkeys and signs with them, honestly unless told
 * what to lie about. Everything else in a lie's response is as it should be, so each test shows the one check it is about.
 */
export function createSoftwareAuthenticator(options: AuthenticatorOptions) {
  const { origin, algorithm = 'ES256', backupEligible = true, backedUp = backupEligible } = options
  const aaguid = options.aaguid ?? '00000000-0000-0000-0000-000000000000'
  const held: Held[] = []

  const clientData = (type: string, challenge: string, lies: Lies): Buffer =>
    Buffer.from(
      JSON.stringify({
        type: lies.type ?? type,
        challenge: lies.challenge ?? challenge,
        origin: lies.origin ?? origin,
        crossOrigin: lies.crossOrigin ?? false,
        ...(lies.topOrigin === undefined ? {} : { topOrigin: lies.topOrigin }),
      }),
    )

  const authenticatorData = (
    rpId: string,
    counter: number,
    attested: Buffer | undefined,
    lies: Lies,
  ): Buffer => {
    const flags =
      ((lies.userPresent ?? true) ? 0x01 : 0) |
      ((lies.userVerified ?? true) ? 0x04 : 0) |
      ((lies.backupEligible ?? backupEligible) ? 0x08 : 0) |
      ((lies.backedUp ?? backedUp) ? 0x10 : 0) |
      (attested === undefined ? 0 : 0x40)
    const count = Buffer.alloc(4)
    count.writeUInt32BE(lies.counter ?? counter)
    return Buffer.concat([
      createHash('sha256')
        .update(lies.rpId ?? rpId)
        .digest(),
      Buffer.from([flags]),
      count,
      attested ?? Buffer.alloc(0),
    ])
  }

  return {
    /** Passkeys it holds, oldest first. */
    held: held as readonly Held[],

    /** `navigator.credentials.create` and `toJSON`. */
    register: (ask: PublicKeyCredentialCreationOptionsJSON, lies: Lies = {}): RegistrationResponseJSON => {
      const excluded = ask.excludeCredentials?.some(({ id }) => held.some((mine) => mine.webauthnId === id))
      if (excluded === true && lies.ignoreExclusions !== true) throw new Error('InvalidStateError')
      const rpId = ask.rp.id ?? new URL(origin).hostname
      const { privateKey, coseKey } = generateKey(algorithm)
      const id = lies.webauthnId === undefined ? randomBytes(16) : Buffer.from(lies.webauthnId, 'base64url')
      const passkey: Held = {
        webauthnId: id.toString('base64url'),
        userHandle: ask.user.id,
        rpId,
        privateKey,
        counter: options.counts === true ? 1 : 0,
      }
      held.push(passkey)
      const attested = Buffer.concat([
        Buffer.from(aaguid.replaceAll('-', ''), 'hex'),
        Buffer.from([id.length >> 8, id.length & 0xff]),
        id,
        coseKey,
      ])
      const authData = authenticatorData(rpId, passkey.counter, attested, lies)
      const clientDataJSON = clientData('webauthn.create', ask.challenge, lies)
      return {
        id: passkey.webauthnId,
        rawId: passkey.webauthnId,
        type: 'public-key',
        authenticatorAttachment: 'platform',
        clientExtensionResults: { credProps: { rk: true } },
        response: {
          clientDataJSON: clientDataJSON.toString('base64url'),
          attestationObject: attestationObject(
            authData,
            clientDataJSON,
            privateKey,
            algorithm,
            lies,
          ).toString('base64url'),
          transports: ['internal', 'hybrid'],
        },
      }
    },

    /** `navigator.credentials.get` and `toJSON`, with the passkey made last unless `which` says another. */
    assert: (
      ask: PublicKeyCredentialRequestOptionsJSON,
      lies: Lies = {},
      which: number = held.length - 1,
    ): AuthenticationResponseJSON => {
      const passkey = held[which]
      if (passkey === undefined) throw new Error('NotAllowedError')
      if (options.counts === true) passkey.counter++
      const authData = authenticatorData(ask.rpId ?? passkey.rpId, passkey.counter, undefined, lies)
      const clientDataJSON = clientData('webauthn.get', ask.challenge, lies)
      const signature = signatureOf(passkey.privateKey, algorithm, signed(authData, clientDataJSON))
      if (lies.badSignature === true)
        signature.writeUInt8(signature.readUInt8(signature.length - 1) ^ 1, signature.length - 1)
      const userHandle = lies.userHandle === undefined ? passkey.userHandle : lies.userHandle
      const id = lies.webauthnId ?? passkey.webauthnId
      return {
        id,
        rawId: id,
        type: 'public-key',
        authenticatorAttachment: 'platform',
        clientExtensionResults: {},
        response: {
          clientDataJSON: clientDataJSON.toString('base64url'),
          authenticatorData: authData.toString('base64url'),
          signature: signature.toString('base64url'),
          ...(userHandle === null ? {} : { userHandle }),
        },
      }
    },
  }
}

function signed(authData: Buffer, clientDataJSON: Buffer): Buffer {
  return Buffer.concat([authData, createHash('sha256').update(clientDataJSON).digest()])
}

function signatureOf(privateKey: KeyObject, algorithm: Algorithm, data: Buffer): Buffer {
  return sign(algorithm === 'EdDSA' ? null : 'sha256', data, privateKey)
}

function attestationObject(
  authData: Buffer,
  clientDataJSON: Buffer,
  privateKey: KeyObject,
  algorithm: Algorithm,
  lies: Lies,
): Buffer {
  if (lies.attestation === undefined) {
    return cbor(
      new Map<string, Cbor>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', authData],
      ]),
    )
  }
  const sig = signatureOf(privateKey, algorithm, signed(authData, clientDataJSON))
  const statement = new Map<string, Cbor>([
    ['alg', coseAlgorithms[algorithm]],
    ['sig', sig],
  ])
  if (lies.attestation === 'chain') statement.set('x5c', [randomBytes(300)])
  return cbor(
    new Map<string, Cbor>([
      ['fmt', 'packed'],
      ['attStmt', statement],
      ['authData', authData],
    ]),
  )
}

const coseAlgorithms: Record<Algorithm, number> = { ES256: -7, EdDSA: -8, RS256: -257 }

function generateKey(algorithm: Algorithm): { privateKey: KeyObject; coseKey: Buffer } {
  const { privateKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : algorithm === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const jwk = privateKey.export({ format: 'jwk' })
  const bytes = (field: 'x' | 'y' | 'n' | 'e') => Buffer.from(jwk[field] ?? '', 'base64url')
  const alg = coseAlgorithms[algorithm]
  const parameters: Record<Algorithm, () => [number, Cbor][]> = {
    ES256: () => [
      [1, 2],
      [3, alg],
      [-1, 1],
      [-2, bytes('x')],
      [-3, bytes('y')],
    ],
    EdDSA: () => [
      [1, 1],
      [3, alg],
      [-1, 6],
      [-2, bytes('x')],
    ],
    RS256: () => [
      [1, 3],
      [3, alg],
      [-1, bytes('n')],
      [-2, bytes('e')],
    ],
  }
  return { privateKey, coseKey: cbor(new Map(parameters[algorithm]())) }
}

type Cbor = number | string | Buffer | readonly Cbor[] | Map<number, Cbor> | Map<string, Cbor>

/** As much of CBOR (RFC 8949) as an authenticator speaks. */
function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value >= 0 ? cborHead(0, value) : cborHead(1, -1 - value)
  if (typeof value === 'string') {
    return Buffer.concat([cborHead(3, Buffer.byteLength(value)), Buffer.from(value)])
  }
  if (Buffer.isBuffer(value)) return Buffer.concat([cborHead(2, value.length), value])
  if (value instanceof Map) {
    const entries = [...value].flatMap(([key, entry]) => [cbor(key), cbor(entry)])
    return Buffer.concat([cborHead(5, value.size), ...entries])
  }
  return Buffer.concat([cborHead(4, value.length), ...value.map(cbor)])
}

function cborHead(major: number, argument: number): Buffer {
  const type = major << 5
  if (argument < 24) return Buffer.from([type | argument])
  if (argument < 256) return Buffer.from([type | 24, argument])
  const head = Buffer.alloc(3)
  head.writeUInt8(type | 25)
  head.writeUInt16BE(argument, 1)
  return head
}
