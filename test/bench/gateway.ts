/** The gateway as `serve` runs it: SQLite on disk, audit, session registry, security headers, dispatcher and sweeper all on. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { loadConfig } from '#config/load.ts'
import { compose } from '#gateway/compose.ts'
import { createListener } from '#gateway/http/listener.ts'
import { freePort } from '#test/support/gateway.ts'
import { clientSecret, clients } from './clients.ts'
import { serveAsContestant } from './contestant.ts'
import { person } from './person.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
const port = await freePort()
const issuer = `http://localhost:${port}`
const file = join(folder, 'gatehouse.yaml')
writeFileSync(
  file,
  stringify({
    issuer,
    listen: { host: '127.0.0.1', port },
    data_dir: join(folder, 'data'),
    log: { level: 'error' },
    accounts: [person],
    apps: clients.map(({ client_id, ...oidc }) => ({
      id: client_id,
      first_party: true,
      oidc: { ...oidc, client_secret: clientSecret },
    })),
  }),
)
const { config } = loadConfig({ file, environment: {}, workingDirectory: folder })
const gateway = await compose(config)
await gateway.commands.applyDeclared()
const listener = createListener(gateway.handle)
listener.listen(port, '127.0.0.1')
await once(listener, 'listening')
gateway.start()
serveAsContestant(issuer, async () => {
  listener.closeAllConnections()
  listener.close()
  await gateway[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})
