// Programs that some suites need and npm does not have. Plain JavaScript, for the same reason as test/run.mjs.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

/** By the name that GATEHOUSE_TEST_WITHOUT uses: the file that shows it is there, and who brings it. */
const needs = [
  { name: 'chromium', file: '/usr/bin/chromium', packages: ['chromium'] },
  {
    name: 'apache',
    file: '/usr/lib/apache2/modules/mod_auth_openidc.so',
    packages: ['apache2', 'libapache2-mod-auth-openidc'],
  },
]

/** A slow mirror must not eat the whole time for tests. */
const patienceMs = 5 * 60_000

/**
 * Installs what is missing where that is allowed (root on Debian), and names what the tests have to do without.
 *
 * @returns {Promise<string[]>}
 */
export async function provideDebianPackages() {
  const excluded = (process.env.GATEHOUSE_TEST_WITHOUT ?? '').split(',').filter((name) => name !== '')
  const missing = needs.filter(({ name, file }) => !excluded.includes(name) && !existsSync(file))
  if (missing.length > 0) {
    const packages = missing.flatMap((need) => need.packages)
    if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) await install(packages)
    else
      say(
        `not installed, and not mine to install: ${packages.join(', ')} (apt-get install ${packages.join(' ')})`,
      )
  }
  const absent = needs.filter(({ name, file }) => excluded.includes(name) || !existsSync(file))
  for (const { name } of absent) say(`testing without ${name}; each suite that needs it is named at the end`)
  return absent.map(({ name }) => name)
}

/** @param {string[]} packages */
async function install(packages) {
  say(`installing Debian packages that tests need: ${packages.join(', ')} …`)
  // An update that fails for one of many sources may still have found what is needed.
  await aptGet(['update', '-qq'])
  const code = await aptGet(['install', '-y', '-qq', '--no-install-recommends', ...packages])
  if (code !== 0) say('apt-get could not install them (its words are above)')
}

/** @param {string[]} options */
function aptGet(options) {
  return new Promise((resolve) => {
    const child = spawn('apt-get', options, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      // What it says on success is of no interest to anybody who came for tests.
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: patienceMs,
    })
    child.on('error', () => resolve(1))
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

/** @param {string} text */
function say(text) {
  process.stdout.write(`${text}\n`)
}
