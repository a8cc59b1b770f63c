import { expect, test } from 'vitest'
import { declaredLogoutCauses } from '#config/resolved.ts'
import { causes } from '#gateway/sessions/cause.ts'

test('the causes that a file may name are the causes for which sessions end', () => {
  expect(declaredLogoutCauses).toEqual(causes)
})
