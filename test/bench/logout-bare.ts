/**
 * The yardstick: a logout token for each app, signed synchronously with a key in memory and posted over a connection that is open
 * already. It stores nothing, asks nobody again, and forgets all of it when it dies; nothing that tells apps can do less.
 */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { Pool } from 'undici'
import { signatureOf } from '#gateway/keys/signature.ts'
import { cpuMs, monotonicMs, serveAsChild } from './child.ts'
import { atOnce, type Told } from './logout-told.ts'

const [alg, ...urls] = process.argv.slice(2)
const isRsa = alg === 'RS256'
const { privateKey } = isRsa
  ? generateKeyPairSync('rsa', { modulusLength: 2048 })
  : generateKeyPairSync('ec', { namedCurve: 'P-256' })
const header = encode({ typ: 'logout+jwt', alg, kid: randomUUID() })
const pools = urls.map((url) => new Pool(new URL(url).origin, { connections: 8 }))

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function logoutToken(app: number): string {
  const now = Math.floor(Date.now() / 1_000)
  const claims = encode({
    iss: 'http://localhost:10000',
    aud: `app-${app}`,
    iat: now,
    exp: now + 120,
    jti: randomBytes(16).toString('base64url'),
    sub: 'ada',
    sid: 'l0hmXJmZ0aM4PzB1qjWv2w',
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  })
  const input = `${header}.${claims}`
  const signature = signatureOf(Buffer.from(input), { alg: isRsa ? 'RS256' : 'ES256', privateKey })
  return `${input}.${signature.toString('base64url')}`
}

async function tell(app: number): Promise<void> {
  const { statusCode, body } = await (pools[app] as Pool).request({
    method: 'POST',
    path: '/logout',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `logout_token=${logoutToken(app)}`,
  })
  await body.dump()
  if (statusCode !== 200) throw new Error(`an app answered ${statusCode}`)
}

serveAsChild<number, Told>(
  'ready',
  async (count) => {
    const cpuBefore = cpuMs()
    const acknowledgedAt = monotonicMs()
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < count) await tell(next++)
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
    return { acknowledgedAt, tellingCpuMs: cpuMs() - cpuBefore, endingMs: 0, sealingCpuMs: 0 }
  },
  async () => {
    await Promise.all(pools.map((pool) => pool.destroy()))
  },
)
