import { expect, test } from 'vitest'
import { openCommandLine, parsed } from './run-gatehouse.ts'

/** Each command is a process of its own, and the machine may be busy. */
const timeout = 120_000
const home = 'https://wiki.example/'

test('gatehouse app change changes how an app takes part in sign-out, and only what is named', {
  timeout,
}, async () => {
  using shell = openCommandLine()
  const change = (...words: readonly string[]) => shell.gatehouse('app', 'change', 'wiki', ...words)
  const shown = async () => parsed(await shell.gatehouse('app', 'show', 'wiki', '--json'))
  await shell.gatehouse('app', 'add', 'wiki', '--redirect-uri', `${home}callback`)

  const first = await change('--backchannel-logout-uri', `${home}told`, '--signs-out', 'ask')
  expect(first).toMatchObject({ code: 0, out: `Changed wiki. It is told at: ${home}told\n` })
  const more = ['--frontchannel-logout-uri', `${home}frame`, '--logout-channel', 'both']
  const limits = [
    '--logout-timeout',
    '2s',
    '--local-session',
    '8h',
    '--told-of',
    'admin',
    '--told-of',
    'idle',
  ]
  expect(await change(...more, ...limits)).toMatchObject({ code: 0 })
  expect(await shown()).toMatchObject({
    logout: {
      appSignsOut: 'ask',
      causes: ['admin', 'idle'],
      channel: 'both',
      timeoutMs: 2_000,
      localSessionMs: 8 * 3_600_000,
    },
    oidc: {
      metadata: {
        redirect_uris: [`${home}callback`],
        backchannel_logout_uri: `${home}told`,
        backchannel_logout_session_required: true,
        frontchannel_logout_uri: `${home}frame`,
      },
    },
  })
  expect((await shell.gatehouse('app', 'show', 'wiki')).out).toMatch(/told of +admin, idle\n.*told by +both/)

  expect(await change('--logout-channel', 'auto', '--frontchannel-logout-uri', 'none')).toMatchObject({
    code: 0,
  })
  expect(await change('--told-of', 'all', '--logout-timeout', 'default')).toMatchObject({ code: 0 })
  const after = (await shown()) as { logout: object; oidc: { metadata: object } }
  expect(after.logout).toEqual({ appSignsOut: 'ask', causes: 'all', localSessionMs: 8 * 3_600_000 })
  expect(after.oidc.metadata).not.toHaveProperty('frontchannel_logout_uri')
})

test('gatehouse app change says what it does not take, and leaves the app as it was', {
  timeout,
}, async () => {
  using shell = openCommandLine()
  await shell.gatehouse('app', 'add', 'wiki', '--redirect-uri', `${home}callback`)
  const before = await shell.gatehouse('app', 'show', 'wiki', '--json')
  const refused = async (words: readonly string[], code: number, err: string) =>
    expect(await shell.gatehouse('app', 'change', ...words)).toMatchObject({
      code,
      err: expect.stringContaining(err),
    })
  await refused(['wiki'], 2, 'Say what shall change')
  await refused(['wiki', '--signs-out', 'some'], 2, 'everywhere, this-app, ask')
  await refused(['wiki', '--logout-channel', 'mail'], 2, 'auto, back-channel, front-channel, both')
  await refused(['wiki', '--told-of', 'whim'], 2, '--told-of takes all, or causes')
  await refused(['wiki', '--logout-timeout', 'soon'], 2, 'a time such as 5s')
  await refused(['wiki', '--logout-timeout', '31s'], 1, 'from 1 to 30 seconds')
  await refused(['wiki', '--logout-channel', 'front-channel'], 1, 'needs a frontchannel_logout_uri')
  await refused(['wiki', '--frontchannel-logout-uri', 'https://evil.example/'], 1, 'of a redirect_uri')
  await refused(['nobody', '--signs-out', 'ask'], 1, 'There is no app nobody')
  expect((await shell.gatehouse('app', 'show', 'wiki', '--json')).out).toBe(before.out)
})
