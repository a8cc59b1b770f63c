import { GatewayError } from '../kernel/errors.ts'
import type { AppCheckCase, AppCheckReport } from '../logout/app-check.ts'
import { findApp } from './app.ts'
import { byCommandLine, type Opened, withGateway } from './open.ts'
import { counted, sayFields, timesAsText } from './say.ts'
import { printable, type Terminal } from './terminal.ts'
import type { Call, Verb } from './verb.ts'

export const appCheckVerbs: readonly Verb[] = [
  {
    name: 'app check',
    usage: '<app> [--json]',
    summary:
      'show its logout address good and bad tokens, and say what it should have answered; ends no session',
    flags: { json: { kind: 'yes', help: 'print JSON' } },
    words: { min: 1, max: 1 },
    run: (call) => withGateway(call, (gateway) => check(call, gateway)),
  },
]

async function check(call: Call, gateway: Opened): Promise<void> {
  const app = findApp(gateway, call.words[0] ?? '')
  const { listen, metrics } = gateway.config
  // The server knows where it listens; this process has to be told, or it would call what the server never does.
  gateway.egress.refuseListeners(metrics === undefined ? [listen] : [listen, metrics])
  const report = await gateway.commands.checkApp(app.id, byCommandLine)
  if (call.flags.yes('json')) call.terminal.json(timesAsText(report))
  else say(call.terminal, report)
  if (report.outcome === 'failed') {
    const failed = report.cases.filter(({ verdict }) => verdict === 'failed')
    throw new GatewayError('app_check_failed', `${app.id} failed ${counted(failed.length, 'case')}.`)
  }
  if (report.outcome === 'unreachable')
    throw new GatewayError('app_check_failed', `${app.id} could not be reached.`)
}

function say(terminal: Terminal, report: AppCheckReport): void {
  const { connection } = report
  sayFields(terminal, [
    ['app', `${printable(report.appName)} (${report.appId})`],
    ['told at', report.url],
    ['reached', connection?.kind === 'reached' ? `yes, in ${connection.durationMs} ms` : undefined],
    ['not reached', connection?.kind === 'unreachable' ? printable(connection.detail) : undefined],
  ])
  if (report.cases.length > 0) {
    terminal.line()
    terminal.table(
      ['VERDICT', 'CASE', 'EXPECTED', 'ANSWERED', 'BACK-CHANNEL LOGOUT 1.0'],
      report.cases.map((each) => [each.verdict, each.title, each.expected, each.answered, each.clause]),
    )
  }
  for (const each of report.cases) sayAdvice(terminal, each)
  terminal.line()
  terminal.line(report.summary)
}

function sayAdvice(terminal: Terminal, { verdict, title, advice }: AppCheckCase): void {
  if (advice === undefined) return
  terminal.line()
  terminal.line(`${verdict}: ${title}`)
  terminal.line(`  ${advice}`)
}
