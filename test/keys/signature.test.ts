import { generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { signatureOf } from '#gateway/keys/signature.ts'

test('an ES256 signature is R and S side by side, also where one of them begins with zeros', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  let beganWithZero = 0
  // One in 128 has an R or S that is a byte shorter than its place.
  for (let round = 0; round < 2_000; round++) {
    const data = randomBytes(32)
    const signature = signatureOf(data, { alg: 'ES256', privateKey })
    expect(signature).toHaveLength(64)
    if (signature[0] === 0 || signature[32] === 0) beganWithZero++
    if (!verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature))
      expect.fail(signature.toString('hex'))
  }
  expect(beganWithZero).toBeGreaterThan(0)
})
