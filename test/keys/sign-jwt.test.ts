import { compactVerify, importJWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { signJwt } from '#gateway/keys/sign-jwt.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { createManualClock } from '#test/support/manual-clock.ts'
import { openKeyring } from './opened-keyring.ts'

describe('a signed JWT', () => {
  test.for(['ES256', 'RS256'] as const)('with %s verifies with the published key', async (alg) => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    const key = one.keyring.signing(alg)
    const jwt = signJwt({ typ: 'logout+jwt' }, { sub: 'ada', text: 'é' }, key)
    const published = one.keyring.published().find(({ kid }) => kid === key.keyId)
    const { payload, protectedHeader } = await compactVerify(jwt, await importJWK({ ...published }, alg))
    expect(protectedHeader).toEqual({ typ: 'logout+jwt', alg, kid: key.keyId })
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({ sub: 'ada', text: 'é' })
  })

  test('names the algorithm and the key it was signed with, whatever its header asked for', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    const key = one.keyring.signing('ES256')
    const [header = ''] = signJwt({ alg: 'none', kid: 'other' }, {}, key).split('.')
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'ES256', kid: key.keyId })
  })
})
