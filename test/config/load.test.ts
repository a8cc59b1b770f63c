// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these texts are the syntax of the configuration file
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '#config/load.ts'
import { parseName } from '#gateway/accounts/directory.ts'
import { problemsOf as appProblemsOf } from '#gateway/apps/rules.ts'
import { anApp as registered, someRules } from '#test/apps/builders.ts'
import { anApp, folderWith, load, longSecret, messagesAt, problemsOf, refusal } from './written.ts'

describe('the configuration file', () => {
  test('is looked for at --config, then GATEHOUSE_CONFIG, then ./gatehouse.yaml, and the defaults serve without any', () => {
    using folder = folderWith({
      'gatehouse.yaml': 'appearance: { name: Here }',
      'named.yaml': 'appearance: { name: Named }',
      'other/asked.yaml': 'appearance: { name: Asked }',
      'empty/.keep': '',
    })
    const name = (file: string | undefined, environment: Record<string, string>, at = folder.path) =>
      loadConfig({ file, environment, workingDirectory: at }).config.appearance.name
    expect(name('other/asked.yaml', { GATEHOUSE_CONFIG: 'named.yaml' })).toBe('Asked')
    expect(name(undefined, { GATEHOUSE_CONFIG: 'named.yaml' })).toBe('Named')
    expect(name(undefined, { GATEHOUSE_CONFIG: '' })).toBe('Here')
    expect(name(undefined, {}, join(folder.path, 'empty'))).toBe('Gatehouse')
  })

  test('that somebody named must be there', () => {
    using folder = folderWith({})
    const options = { environment: {}, workingDirectory: folder.path }
    expect(refusal(() => loadConfig({ ...options, file: 'absent.yaml' }))?.message).toContain(
      'absent.yaml: (file): cannot be read: there is no such file',
    )
    expect(refusal(() => loadConfig({ ...options, file: '.' }))?.message).toContain('it is a folder')
    expect(refusal(() => loadConfig(options))).toBeUndefined()
  })

  test('larger than 4 MiB is refused before it is parsed', () => {
    expect(problemsOf(`# ${'x'.repeat(4 * 1_048_576)}`)[0]?.message).toContain('larger than')
  })

  test('of comments only changes nothing', () => {
    expect(load('# nothing yet\n').config.sessions.idleMs).toBe(28_800_000)
  })

  test('with an unknown key is refused, with the key that was probably meant', () => {
    expect(messagesAt('sessions.idel', problemsOf('sessions:\n  idel: 8h'))).toEqual([
      'found an unknown key; expected idle, perhaps',
    ])
    expect(messagesAt('nonsense', problemsOf('nonsense: 1'))[0]).toContain('expected one of issuer, listen')
    expect(messagesAt('__proto__', problemsOf('__proto__: { issuer: x }'))).toHaveLength(1)
    expect(problemsOf('sessions:\n  idle: 8h')).toEqual([])
  })

  test('tells all its problems together, each with path, line, what was found and what is expected', () => {
    const error = refusal(() =>
      load(
        [
          'issuer: https://login.example.com/',
          'sessions:',
          '  idle: 8 hours',
          'log: { level: loud }',
          'apps:',
          '  - id: wiki',
          '    oidc:',
          '      client_secret: too-short',
          '      redirect_uris: []',
          '  - id: board',
          '    access: []',
        ].join('\n'),
        { GATEHOUSE_LISTEN__PORT: '99999', GATEHOUSE_LISTEN__PROT: '1' },
      ),
    )
    expect(error?.message.split('\n')).toEqual([
      'The configuration has 9 problems:',
      '  environment GATEHOUSE_LISTEN__PORT: listen.port: found 99999; expected a port from 0 (any free one) to 65535',
      expect.stringMatching(
        /^ {2}gatehouse\.yaml:1: issuer: found "https:\/\/login\.example\.com\/"; expected an origin/,
      ),
      '  gatehouse.yaml:3: sessions.idle: found "8 hours"; expected a duration such as 90s, 15m, 12h or 30d (at least 1s)',
      '  gatehouse.yaml:4: log.level: found "loud"; expected one of debug, info, warn, error',
      '  gatehouse.yaml:8: apps[0].oidc.client_secret: found a secret of 9 characters; expected at least 32 characters from a random source',
      '  gatehouse.yaml:9: apps[0].oidc.redirect_uris: found an empty list; expected a list with at least one address',
      expect.stringMatching(
        /^ {2}gatehouse\.yaml:10: apps\[1\]\.oidc: found nothing; expected a section with client_id/,
      ),
      '  gatehouse.yaml:11: apps[1].access: found an empty list; expected everyone, or a list with at least one group',
      '  environment: GATEHOUSE_LISTEN__PROT: unknown name; did you mean GATEHOUSE_LISTEN__PORT?',
    ])
    expect(error?.problems.find(({ path }) => path === 'sessions.idle')).toEqual({
      path: 'sessions.idle',
      line: 3,
      origin: 'gatehouse.yaml',
      found: '"8 hours"',
      expected: 'a duration such as 90s, 15m, 12h or 30d (at least 1s)',
      message: 'found "8 hours"; expected a duration such as 90s, 15m, 12h or 30d (at least 1s)',
    })
  })

  test('checks rules between good parts beside mistakes in bad ones', () => {
    const problems = problemsOf(`log: 1\n${anApp('', '    sessions: { idle: 9h }')}`)
    expect(problems.map(({ path }) => path)).toEqual(['log', 'apps[0].sessions.idle'])
  })

  test('that is not YAML is refused with the line, without quoting what may be a password', () => {
    const [problem, ...more] = problemsOf(
      'issuer: http://localhost:3000\naccounts:\n  - {email: a@b.co, password: ${S}cret}',
    )
    expect(problem?.line).toBe(3)
    expect(problem?.message).toMatch(/^malformed YAML/)
    expect(problem?.message).not.toContain('cret')
    expect(more).toEqual([])
  })

  test('may name a key only once', () => {
    expect(problemsOf('log: { level: info }\nlog: { level: warn }').map(({ line }) => line)).toEqual([2])
  })

  test('never shows a secret in a message', () => {
    const text = refusal(() =>
      load(
        `accounts:
  - { email: a@b.co, password: hunter2 }
  - { email: c@d.co, password_hash: plain-as-day }
storage: { database: "postgres://user:opensesame@db/x" }`,
      ),
    )?.message
    expect(text).toContain('a secret of 7 characters')
    for (const secret of ['hunter2', 'plain-as-day', 'opensesame']) expect(text).not.toContain(secret)
  })

  test('says in quotes what only lacks them', () => {
    const yaml = (password: string) => `accounts:\n  - { email: a@b.co, password: ${password} }`
    expect(problemsOf(yaml('1234567890'))[0]?.message).toContain('(put it in quotes)')
    expect(problemsOf(yaml('"1234567890"'))).toEqual([])
  })

  test('refuses what this version does not have, by name', () => {
    const expectRefused = (path: string, yaml: string, words: RegExp) =>
      expect(messagesAt(path, problemsOf(yaml))[0]).toMatch(words)
    expectRefused('storage.database', 'storage: { database: "postgres://db/x" }', /Postgres is not available/)
    expectRefused('storage.cache', 'storage: { cache: "redis://db" }', /Redis is not available/)
    expectRefused('mail.smtp_url', 'mail: { smtp_url: "smtp://x" }', /mail is not available/)
    expectRefused('tokens.device', 'tokens: { device: 10m }', /this version does not know yet/)
    expectRefused('apps[0].saml', anApp('', '    saml: {}'), /this version does not know yet/)
    expect(
      problemsOf(
        'storage: { database: "sqlite:./x.db", cache: "memory:" }\nmail: { smtp_url: "", from: "" }',
      ),
    ).toEqual([])
  })

  test('resolves relative paths against its own folder', () => {
    using folder = folderWith({
      'etc/gatehouse.yaml': 'data_dir: ../var\nstorage: { database: "sqlite:db/g.db" }',
    })
    const { config, file } = loadConfig({
      file: 'etc/gatehouse.yaml',
      environment: {},
      workingDirectory: folder.path,
    })
    expect(file).toBe(join(folder.path, 'etc/gatehouse.yaml'))
    expect(config.dataDir).toBe(join(folder.path, 'var'))
    expect(config.storage.databaseFile).toBe(join(folder.path, 'etc/db/g.db'))
  })

  test('lets the database follow data_dir where nothing else is said', () => {
    const { config } = load('', { GATEHOUSE_DATA_DIR: '/srv/gatehouse' })
    expect(config.storage.databaseFile).toBe('/srv/gatehouse/gatehouse.db')
  })
})

describe('the environment', () => {
  test('sets every scalar by its generated name and wins over the file', () => {
    const { config } = load('sessions: { idle: 1h }\nlog: { level: warn }', {
      GATEHOUSE_SESSIONS__IDLE: '30m',
      GATEHOUSE_SESSIONS__REMEMBER_ME__ENABLED: 'true',
      GATEHOUSE_LISTEN__PORT: '8080',
      GATEHOUSE_METRICS__PORT: '9999',
      GATEHOUSE_DATA_DIR: '/srv/gatehouse',
    })
    expect(config.sessions.idleMs).toBe(1_800_000)
    expect(config.sessions.rememberMe.enabled).toBe(true)
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 8080 })
    expect(config.metrics).toEqual({ host: '127.0.0.1', port: 9999 })
    expect(config.dataDir).toBe('/srv/gatehouse')
    expect(config.log.level).toBe('warn')
  })

  test('replaces lists and does not merge them', () => {
    const { config } = load('egress: { allow: [10.0.0.0/8] }', {
      GATEHOUSE_EGRESS__ALLOW: '192.168.0.0/16, wiki:8080',
    })
    expect(config.egress.allow).toEqual(['192.168.0.0/16', 'wiki:8080'])
  })

  test('counts an empty value as not set', () => {
    expect(load('sessions: { idle: 1h }', { GATEHOUSE_SESSIONS__IDLE: '' }).config.sessions.idleMs).toBe(
      3_600_000,
    )
  })

  test('is refused where a name is unknown or a value is wrong, and left alone where the name is not ours', () => {
    expect(problemsOf('', { GATEHOUSE_SESSION__IDLE: '1h' })).toEqual([
      {
        path: 'GATEHOUSE_SESSION__IDLE',
        origin: 'environment',
        found: 'an unknown name',
        expected: 'GATEHOUSE_SESSIONS__IDLE',
        message: 'unknown name; did you mean GATEHOUSE_SESSIONS__IDLE?',
      },
    ])
    expect(problemsOf('', { GATEHOUSE_SESSIONS__REMEMBER_ME__ENABLED: 'yes' })[0]?.message).toContain(
      'true or false',
    )
    expect(problemsOf('', { SESSIONS__IDLE: 'x', PATH: '/bin' })).toEqual([])
  })

  test('replaces ${NAME} in the file, with the type that the place needs, and keeps $${NAME}', () => {
    const { config } = load('listen: { port: "${PORT}" }\nappearance: { name: "${WHO} at $${HOME}" }', {
      PORT: '4000',
      WHO: 'Us',
    })
    expect(config.listen.port).toBe(4000)
    expect(config.appearance.name).toBe('Us at ${HOME}')
    expect(problemsOf('appearance: { name: "${NOBODY}" }')[0]).toMatchObject({
      path: 'appearance.name',
      line: 1,
      message: 'found ${NOBODY}; expected NOBODY to be set in the environment',
    })
  })
})

describe('secrets', () => {
  const app = (line: string) => `
apps:
  - id: wiki
    oidc:
      ${line}
      redirect_uris: [https://wiki.example.com/callback]
`

  test('come from a file named by the _file form, without its last line break', () => {
    const { config } = load(
      app('client_secret_file: secrets/wiki'),
      {},
      { 'secrets/wiki': `${longSecret}\n` },
    )
    expect(config.apps[0]?.oidc.client_secret).toBe(longSecret)
    expect(config.apps[0]?.oidc).not.toHaveProperty('client_secret_file')
  })

  test('in a file are held to the same rule, and the line is that of the _file form', () => {
    const [problem] = problemsOf(app('client_secret_file: short'), {}, { short: 'x' })
    expect(problem).toMatchObject({
      path: 'apps[0].oidc.client_secret',
      found: 'a secret of 1 characters',
      line: 5,
    })
  })

  test('in a file that cannot be read are a problem', () => {
    expect(problemsOf(app('client_secret_file: absent')).map(({ message }) => message)).toContain(
      'found "absent", but there is no such file; expected a readable file',
    )
    const huge = { huge: 'x'.repeat(70_000) }
    expect(problemsOf(app('client_secret_file: huge'), {}, huge)[0]?.message).toContain(
      'larger than 65536 bytes',
    )
  })

  test('are given once, not in both forms', () => {
    const both = `client_secret: ${longSecret}\n      client_secret_file: secret`
    expect(problemsOf(app(both), {}, { secret: longSecret })[0]?.message).toBe(
      'found both client_secret and client_secret_file; expected one of them',
    )
  })

  test('from the environment replace the file and its _file form alike', () => {
    const yaml = 'keys: { encryption_key_file: absent }'
    expect(load(yaml, { GATEHOUSE_KEYS__ENCRYPTION_KEY: longSecret }).config.keys.encryptionKey).toBe(
      longSecret,
    )
    const fromFile = { GATEHOUSE_KEYS__ENCRYPTION_KEY_FILE: 'key' }
    expect(load('', fromFile, { key: longSecret }).config.keys.encryptionKey).toBe(longSecret)
    expect(problemsOf(yaml)).toHaveLength(1)
    expect(problemsOf('', fromFile, { key: 'short' })[0]?.origin).toBe(
      'environment GATEHOUSE_KEYS__ENCRYPTION_KEY_FILE',
    )
  })
})

describe('declared apps and accounts', () => {
  test('carry their line, their defaults and their metadata under its standard names', () => {
    using folder = folderWith({ 'gatehouse.yaml': anApp('      default_max_age: 60') })
    const { config } = loadConfig({ environment: {}, workingDirectory: folder.path })
    expect(config.apps).toEqual([
      {
        id: 'wiki',
        name: 'wiki',
        firstParty: false,
        access: 'everyone',
        sessions: {},
        logout: { causes: 'all', appSignsOut: 'everywhere' },
        offline: 'ends-with-session',
        oidc: {
          client_id: 'wiki',
          client_secret: longSecret,
          token_endpoint_auth_method: 'client_secret_basic',
          redirect_uris: ['https://wiki.example.com/callback'],
          post_logout_redirect_uris: [],
          backchannel_logout_session_required: false,
          frontchannel_logout_session_required: false,
          id_token_signed_response_alg: 'RS256',
          grant_types: ['authorization_code'],
          response_types: ['code'],
          subject_type: 'public',
          default_max_age: 60,
          require_auth_time: false,
          application_type: 'web',
          require_pushed_authorization_requests: false,
        },
        source: { file: join(folder.path, 'gatehouse.yaml'), line: 3 },
      },
    ])
  })

  // What the directory and the registry take, whoever writes it.
  test.for([
    ['a name in Persian, which a joiner spells', 'می\u200cخواهم', true],
    ['a name in Sinhala, with the other', 'ශ්\u200dරී', true],
    ['a hundred characters beyond the first plane', '\u{1f600}'.repeat(100), true],
    ['joiners alone', '\u200c\u200d', false],
    ['a character that turns the line around', 'Ada\u202egro.live', false],
    ['a soft hyphen', 'A\u00adda', false],
    ['two lines', 'Ada\nLovelace', false],
    ['nothing to see', '   ', false],
    ['too much', 'a'.repeat(101), false],
  ] as const)('are named with %s: %s is taken: %s', ([, name, taken]) => {
    const written = JSON.stringify(name)
    const account = `accounts: [{ email: ada@example.com, password: long-enough, name: ${written} }]`
    expect(problemsOf(account).length === 0).toBe(taken)
    expect(problemsOf(anApp('', `    name: ${written}`)).length === 0).toBe(taken)
    expect(parseName(name) !== undefined).toBe(taken)
    expect(appProblemsOf(registered({ name }), someRules).length === 0).toBe(taken)
  })

  test('of an account keep what was said and nothing else', () => {
    using folder = folderWith({
      'gatehouse.yaml': 'accounts:\n  - email: bob@example.com\n    password: long-enough',
    })
    const { config } = loadConfig({ environment: {}, workingDirectory: folder.path })
    expect(config.accounts).toEqual([
      {
        email: 'bob@example.com',
        operator: false,
        password: 'long-enough',
        groups: [],
        source: { file: join(folder.path, 'gatehouse.yaml'), line: 2 },
      },
    ])
  })
})
