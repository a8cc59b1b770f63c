import { existsSync } from 'node:fs'

/**
 * Programs that some suites need and npm does not bring. A suite says `describe.skipIf(chromium === undefined)`, so that it is
 * counted as left out; `npm test` installs them where it may.
 */
const without = (process.env['GATEHOUSE_TEST_WITHOUT'] ?? '').split(',')

/** The browser for tests that need one; undefined where there is none. */
export const chromium = available('chromium', '/usr/bin/chromium')

/** Apache with mod_auth_openidc, an app nobody here wrote; undefined where there is none. */
export const apache =
  available('apache', '/usr/lib/apache2/modules/mod_auth_openidc.so') === undefined
    ? undefined
    : { server: '/usr/sbin/apache2', modules: '/usr/lib/apache2/modules' }

function available(name: string, file: string): string | undefined {
  return without.includes(name) || !existsSync(file) ? undefined : file
}
