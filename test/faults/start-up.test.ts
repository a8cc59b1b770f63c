import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { openSqlite } from '#adapters/sql/open.ts'
import { freePort } from '#test/support/gateway.ts'
import { spawnGateway, startGatewayProcess } from '#test/support/gateway-process.ts'

describe('a start', () => {
  let sound: string
  beforeAll(async () => {
    sound = join(mkdtempSync(join(tmpdir(), 'gatehouse-faults-')), 'sound.db')
    await (await openSqlite({ file: sound })).close()
    return () => rmSync(join(sound, '..'), { recursive: true })
  })

  test.for([
    { what: 'is something else', spoil: (file: string) => writeFileSync(file, 'Dear diary, '.repeat(1_000)) },
    { what: 'was cut off', spoil: (file: string) => truncateSync(file, 5_000) },
    { what: 'is damaged inside', spoil: overwrite },
  ])('says so when the database $what, and leaves it alone', async ({ spoil }) => {
    using place = await openPlace()
    copyFileSync(sound, place.database)
    spoil(place.database)
    const { size } = statSync(place.database)

    await expect(startGatewayProcess(place.config)).rejects.toThrow(
      `${place.database} is damaged, or it is not a database of the gateway. Restore it from a backup.`,
    )
    expect(statSync(place.database).size).toBe(size)
  })

  test('says what to delete when the file of sign-ins in progress is damaged', async () => {
    using place = await openPlace()
    writeFileSync(place.ephemeral, 'Dear diary, '.repeat(1_000))
    await expect(startGatewayProcess(place.config)).rejects.toThrow(
      `${place.ephemeral} is damaged, or it is not a database of the gateway. It holds nothing but sign-ins in progress`,
    )
    rmSync(place.ephemeral)
    await (await startGatewayProcess(place.config)).stop()
  })

  test('works after a kill -9 of the run before, without anything to clear away', async () => {
    using place = await openPlace()
    await (await startGatewayProcess(place.config)).kill()
    await (await startGatewayProcess(place.config)).stop()
  })

  test('works after a first start that was killed half-way, wherever it was', {
    timeout: 60_000,
  }, async () => {
    using place = await openPlace()
    for (const ms of [300, 450, 600, 750, 900]) {
      rmSync(place.data, { recursive: true, force: true })
      const first = spawnGateway(place.config)
      await sleep(ms)
      await first.kill()
      await (await startGatewayProcess(place.config)).stop()
    }
  })
})

/** A configuration with a folder of its own. */
async function openPlace() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-faults-'))
  const port = await freePort()
  const config = join(folder, 'gatehouse.yaml')
  const data = join(folder, 'data')
  mkdirSync(data)
  writeFileSync(
    config,
    stringify({
      issuer: `http://localhost:${port}`,
      listen: { port },
      data_dir: data,
      log: { level: 'warn' },
    }),
  )
  return {
    config,
    data,
    database: join(data, 'gatehouse.db'),
    ephemeral: join(data, 'ephemeral.db'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Writes nonsense over all pages but the first. */
function overwrite(file: string): void {
  const { size } = statSync(file)
  const opened = openSync(file, 'r+')
  writeSync(opened, Buffer.alloc(size - 4_096, 0x5a), 0, size - 4_096, 4_096)
  closeSync(opened)
}
