import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { freePort } from '#test/support/gateway.ts'

const program = (name: string): string => fileURLToPath(new URL(`../../gateway/${name}`, import.meta.url))
/** The databases, what SQLite keeps beside them while they are open, and the key that encrypts the keys. */
const whileServing = ['ephemeral.db', 'ephemeral.db-wal', 'gatehouse.db', 'gatehouse.db-wal', 'master.key']

describe('what the gateway writes', () => {
  test('is its own user’s alone, whatever the umask it was started with', async () => {
    await using place = await configure()
    const gateway = place.startOpenly('main.ts', '--config', place.file)
    for await (const words of gateway.stdout.iterator({ destroyOnReturn: false })) {
      if (String(words).includes('Gatehouse is ready')) break
    }
    expect(place.modes()).toMatchObject({
      '.': '700',
      ...Object.fromEntries(whileServing.map((file) => [file, '600'])),
    })
    expect(new Set(Object.values(place.modes()))).toEqual(new Set(['700', '600']))
    gateway.stdout.resume()
    gateway.kill('SIGTERM')
    await once(gateway, 'close')
    expect(new Set(Object.values(place.modes()))).toEqual(new Set(['700', '600']))
  })

  test('is so also where the command line was first, in a folder that others may enter', async () => {
    await using place = await configure()
    mkdirSync(place.data, { mode: 0o755 })
    const verb = place.startOpenly('cli.ts', 'session', 'list', '--config', place.file)
    verb.stdout.resume()
    expect(await once(verb, 'close')).toEqual([0, null])
    const { '.': _folder, ...files } = place.modes()
    expect(Object.keys(files)).toContain('gatehouse.db')
    expect(new Set(Object.values(files))).toEqual(new Set(['600']))
  })
})

async function configure() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-private-'))
  const data = join(folder, 'data')
  const file = join(folder, 'gatehouse.yaml')
  const port = await freePort()
  writeFileSync(file, stringify({ issuer: `http://localhost:${port}`, listen: { port }, data_dir: data }))
  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
  return {
    file,
    data,
    modes: (): Readonly<Record<string, string>> => ({
      '.': modeOf(data),
      ...Object.fromEntries(readdirSync(data).map((name) => [name, modeOf(join(data, name))])),
    }),
    /** In a shell that lets everybody read what it makes. */
    startOpenly: (name: string, ...words: readonly string[]) =>
      spawn('sh', ['-c', 'umask 022 && exec "$@"', 'sh', process.execPath, program(name), ...words], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  }
}
