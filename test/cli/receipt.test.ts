import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeProtectedHeader } from 'jose'
import { describe, expect, test } from 'vitest'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import type { Receipt } from '#gateway/logout/receipt.ts'
import { aDelivery, aLogout } from '#test/logout/builders.ts'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import { openCommandLine, parsed } from './run-gatehouse.ts'

/** Each command is a process of its own, and the machine may be busy. */
const timeout = 120_000

/** A Logout on record of which so many deliveries are confirmed. */
async function settledLogout({ gateway }: TestGateway, count: number): Promise<LogoutId> {
  const settledAt = gateway.clock.now()
  const logout = aLogout({ startedAt: settledAt - 2_000, settledAt, appSessions: count + 1, notWanted: 1 })
  await gateway.stores.logouts.insert(
    logout,
    Array.from({ length: count }, () => ({
      ...aDelivery({ logoutId: logout.id }),
      progress: { state: 'delivered', settledAt } as const,
    })),
  )
  return logout.id
}

describe('gatehouse logout receipt and verify', { timeout }, () => {
  test('print a receipt and say what it proves, with own keys, with saved ones, from a file and from standard input', async () => {
    await using server = await startGateway({ realTime: true })
    const { folder, issuer } = server
    const shell = openCommandLine(folder)
    const id = await settledLogout(server, 2)
    const printed = await shell.gatehouse('logout', 'receipt', id)
    expect(printed).toMatchObject({ code: 0, err: '' })
    expect(decodeProtectedHeader(printed.out)).toMatchObject({
      typ: 'gatehouse-logout-receipt+jwt',
      alg: 'ES256',
    })
    writeFileSync(join(folder, 'receipt.jwt'), printed.out)
    writeFileSync(join(folder, 'jwks.json'), await (await fetch(`${issuer}/oauth/jwks`)).text())

    const own = await shell.gatehouse('logout', 'verify', 'receipt.jwt')
    expect(own).toMatchObject({ code: 0, err: '' })
    expect(own.out).toContain(`Valid: ${issuer} has signed this`)
    expect(own.out).toMatch(new RegExp(`^logout +${id}$`, 'm'))
    expect(own.out).toMatch(/^not told +1, whose app/m)
    expect(own.out).toMatch(/^wiki: 2 confirmed$/m)

    // Without the gateway, its folder or its configuration.
    using elsewhere = openCommandLine()
    const keys = join(folder, 'jwks.json')
    const saved = await elsewhere.gatehouseWithInput(
      printed.out,
      'logout',
      'verify',
      '--keys',
      keys,
      '--json',
    )
    expect(saved).toMatchObject({ code: 0, err: '' })
    expect(parsed<Receipt>(saved).logout.id).toBe(id)
  })

  test('refuse what is changed or of another key, and say why', async () => {
    await using server = await startGateway({ realTime: true })
    const shell = openCommandLine(server.folder)
    const id = await settledLogout(server, 1)
    const { out } = await shell.gatehouse('logout', 'receipt', id)
    const [header = '', payload = '', signature = ''] = out.trim().split('.')
    const text = Buffer.from(payload, 'base64url').toString().replace('confirmed', 'cannot-be-told')
    const changed = `${header}.${Buffer.from(text).toString('base64url')}.${signature}`
    const refused = await shell.gatehouseWithInput(changed, 'logout', 'verify')
    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(refused.err).toMatch(/no valid receipt\. Its signature does not hold/)

    writeFileSync(join(server.folder, 'empty.json'), '{"keys":[]}')
    const noKey = await shell.gatehouseWithInput(out, 'logout', 'verify', '--keys', 'empty.json')
    expect(noKey.err).toContain('not among the keys given')
    writeFileSync(join(server.folder, 'no-set.json'), '[]')
    const noSet = await shell.gatehouseWithInput(out, 'logout', 'verify', '--keys', 'no-set.json')
    expect(noSet).toMatchObject({ code: 1, err: expect.stringContaining('no key set') })
    expect((await shell.gatehouse('logout', 'verify', 'nowhere.jwt')).err).toContain('cannot be read')
    expect((await shell.gatehouse('logout', 'verify')).err).toContain('Nothing came in')
  })

  test('give none while an app waits, and for very many deliveries a digest of the lines that are written aside', async () => {
    await using server = await startGateway({ realTime: true })
    const { folder, gateway } = server
    const shell = openCommandLine(folder)
    const waiting = aLogout()
    await gateway.stores.logouts.insert(waiting, [aDelivery({ logoutId: waiting.id })])
    const unsettled = await shell.gatehouse('logout', 'receipt', waiting.id)
    expect(unsettled).toMatchObject({ code: 1, out: '', err: expect.stringContaining('still to be told') })
    expect((await shell.gatehouse('logout', 'receipt', 'lgo_unknown')).err).toContain('There is no logout')

    const id = await settledLogout(server, 2_000)
    const lines = join(folder, 'lines.jsonl')
    const { out } = await shell.gatehouse('logout', 'receipt', id, '--lines', lines)
    const said = await shell.gatehouseWithInput(out, 'logout', 'verify')
    const digest = createHash('sha256').update(readFileSync(lines)).digest('hex')
    expect(said.out).toContain(`Its 2000 deliveries are not in it. Their lines have the SHA-256 ${digest}.`)
    const again = await shell.gatehouse('logout', 'receipt', id, '--lines', lines)
    expect(again).toMatchObject({ code: 1, out: '', err: expect.stringContaining('must be a new file') })
  })
})
