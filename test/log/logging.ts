/** Run by a test as a process of its own: logs as many lines of a kilobyte as its argument says, and says when it is through. */
import { createJsonLog } from '#adapters/json-log.ts'

const log = createJsonLog({ level: 'info' })
for (let line = 0; line < Number(process.argv[2]); line++) {
  log.info('x'.repeat(1_000), { line })
  if (line % 100 === 0) await new Promise((next) => setImmediate(next))
}
process.stdout.write('through\n')
