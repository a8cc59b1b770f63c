import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { createJsonLog, type LogLevel } from '#adapters/json-log.ts'

function open(level: LogLevel = 'info', write = (_line: string): void => {}) {
  const lines: Record<string, unknown>[] = []
  const log = createJsonLog({
    level,
    stream: {
      write: (line) => {
        write(line)
        lines.push(JSON.parse(line))
      },
    },
  })
  return { log, lines }
}

describe('the log', () => {
  test('is one JSON object a line, with its level, time and message', () => {
    const { log, lines } = open()
    log.info('listening', { port: 3000 })
    expect(lines).toEqual([
      { level: 'info', at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), message: 'listening', port: 3000 },
    ])
  })

  test('leaves out what is below its level', () => {
    const { log, lines } = open('warn')
    log.debug('no')
    log.info('no')
    log.warn('yes')
    log.error('yes')
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'error'])
  })

  test.for([
    'password',
    'newPassword',
    'client_secret',
    'clientSecret',
    'cookie',
    'Set-Cookie',
    'authorization',
    'access_token',
    'refreshToken',
    'id_token_hint',
    'logout_token',
    'token',
    'client_assertion',
    'private-key',
    'masterKey',
    'code_verifier',
    'code',
    'd',
    'setUpLink',
  ])('hides the field %s, however deep it lies (DECISIONS 41)', (name) => {
    const { log, lines } = open()
    log.info('x', { [name]: 'hush', deep: [{ [name]: ['hush'] }] })
    expect(JSON.stringify(lines)).not.toContain('hush')
  })

  test('tells of an error what every error has, and of no field that a library hung on it', () => {
    const { log, lines } = open()
    const error = Object.assign(new TypeError('outer', { cause: new Error('inner') }), {
      code: 'E_X',
      request: 'hush',
    })
    log.error('failed', { error })
    expect(lines[0]?.['error']).toMatchObject({
      name: 'TypeError',
      message: 'outer',
      code: 'E_X',
      stack: expect.any(String),
      cause: { message: 'inner' },
    })
    expect(JSON.stringify(lines)).not.toContain('hush')
  })

  test('survives whatever it is handed', () => {
    const { log, lines } = open()
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    log.info('circle', { circle })
    log.info('odd', {
      big: 1n,
      symbol: Symbol('s'),
      when: new Date(Number.NaN),
      bytes: Buffer.from('hush'),
      f: () => 1,
    })
    log.info('throws', {
      get value() {
        throw new Error('no')
      },
    })
    log.info('after')
    expect(lines.at(-1)?.['message']).toBe('after')
    expect(JSON.stringify(lines)).not.toContain('hush')
  })

  test('is bounded, whatever an attacker sends', () => {
    const { log, lines } = open()
    log.info('m'.repeat(100_000), { text: 'x'.repeat(100_000), list: new Array(1_000).fill('x') })
    expect(JSON.stringify(lines).length).toBeLessThan(10_000)
  })

  test('keeps its own level, time and message when a field has their name', () => {
    const { log, lines } = open()
    log.info('true', { message: 'forged', level: 'error', at: 'never' })
    expect(lines[0]).toMatchObject({ message: 'true', level: 'info', message_: 'forged' })
  })

  test('cannot be broken into two lines', () => {
    const raw: string[] = []
    const { log } = open('info', (line) => raw.push(line))
    log.info('one\n{"level":"error"}', { text: 'a\nb' })
    expect(raw.join('').trimEnd().split('\n')).toHaveLength(1)
  })

  test('that cannot be written breaks nothing', () => {
    const { log } = open('info', () => {
      throw new Error('EPIPE')
    })
    expect(() => log.info('x')).not.toThrow()
  })
})

describe('the log of a process', () => {
  const run = (lines: number) =>
    spawn(process.execPath, [join(import.meta.dirname, 'logging.ts'), String(lines)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })

  test('goes on when nobody reads its standard error', async () => {
    // Far more than a pipe and the buffer hold.
    const child = run(4_000)
    const [said] = await once(child.stdout, 'data')
    expect(String(said)).toBe('through\n')
    child.kill('SIGKILL')
    await once(child, 'close')
  })

  test('is all there at the end when somebody does', async () => {
    // More than a pipe holds, and less than the buffer.
    const child = run(500)
    const lines = (await text(child.stderr)).trimEnd().split('\n')
    expect(lines).toHaveLength(500)
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ line: 499 })
  })

  test('that nobody can read any more breaks nothing', async () => {
    const child = run(500)
    child.stderr.destroy()
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
  })
})
