import type { KeyDescription } from '../keys/keyring.ts'
import { byCommandLine, withGateway } from './open.ts'
import { timesAsText } from './say.ts'
import { instant } from './terminal.ts'
import type { Call, Verb } from './verb.ts'

const asJson = { json: { kind: 'yes', help: 'print JSON' } } as const

export const keyVerbs: readonly Verb[] = [
  {
    name: 'key list',
    usage: '[--json]',
    summary: 'the published signing keys',
    flags: asJson,
    words: { min: 0, max: 0 },
    run: (call) => withGateway(call, async (gateway) => say(call, gateway.keys.describe())),
  },
  {
    name: 'key rotate',
    usage: '[--now] [--json]',
    summary: 'make new signing keys; they are published at once and sign after a day',
    flags: { now: { kind: 'yes', help: 'sign with them at once' }, ...asJson },
    words: { min: 0, max: 0 },
    run: (call) =>
      withGateway(call, async (gateway) =>
        say(
          call,
          await gateway.keys.rotate({
            actor: byCommandLine,
            ...(call.flags.yes('now') ? { publishAheadMs: 0 } : {}),
          }),
        ),
      ),
  },
]

function say({ flags, terminal }: Call, keys: readonly KeyDescription[]): void {
  if (flags.yes('json')) {
    terminal.json(keys.map(timesAsText))
    return
  }
  terminal.table(
    ['ALG', 'STATE', 'SIGNS FROM', 'UNTIL', 'PUBLISHED UNTIL', 'KEY'],
    keys.map((key) => [
      key.alg,
      key.state,
      instant(key.activeAt),
      instant(key.retiresAt),
      instant(key.removedAt),
      key.keyId,
    ]),
  )
}
