/**
 * The sign-out page while apps answer: server-sent events (HTML, section 9.2), each the whole report in words.
 *
 * Bounded on every side, because anyone may open a sign-out and leave the tab: a stream lives for a minute and the browser asks for
 * the next one by itself; after ten minutes there is none, and the page is reloaded by whoever still cares. A process that stops ends
 * its streams, and the browser comes back to the next one.
 */

import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'koa'
import { signOutReport } from '#views/pages/sign-out-report.ts'
import { minuteMs } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { LogoutId } from '../kernel/ids.ts'
import { rowsOf } from '../logout/report.ts'
import type { PortalDeps } from './deps.ts'

/** By then every app has been asked seven times or so; what is left takes hours. */
const watchMs = 10 * minuteMs
/** Often enough to look alive, seldom enough that a hundred pages are a hundred small reads a second. */
const lookEveryMs = 700
/** About a minute: proxies close what lives much longer. */
const looksPerStream = 85
/** About 15 s: below what proxies take for silence. */
const looksPerHeartbeat = 21
/** Open streams, in all and for one sign-out: each is a socket and a read every 700 ms. */
const maxStreams = 200
const maxStreamsEach = 4

/** Answers a request for the events of a Logout that the caller may see. */
export function streamReports(
  deps: Pick<PortalDeps, 'reports' | 'clock' | 'stopping'>,
): (ctx: Context, id: LogoutId) => Promise<void> {
  const open = new Map<LogoutId, number>()
  let inAll = 0

  return async (ctx, id) => {
    const report = await deps.reports.find(id)
    if (report === undefined || deps.clock.now() - report.startedAt > watchMs) {
      // 204 tells an EventSource not to come back (HTML, section 9.2.3).
      ctx.status = 204
      return
    }
    // Gone while we looked: nothing would ever tell us to forget it.
    if (ctx.res.closed) return
    const each = open.get(id) ?? 0
    if (inAll >= maxStreams || each >= maxStreamsEach) {
      throw new GatewayError('busy', 'Too many pages are watching. Reload this one to see how it stands.')
    }
    open.set(id, each + 1)
    inAll += 1
    ctx.type = 'text/event-stream'
    // Buffering proxies would keep the news until the end.
    ctx.set('X-Accel-Buffering', 'no')
    const gone = new AbortController()
    // However it ends. The stream's own end would come late: a generator hears of it at its next word only.
    ctx.res.once('close', () => {
      gone.abort()
      const left = (open.get(id) ?? 1) - 1
      if (left === 0) open.delete(id)
      else open.set(id, left)
      inAll -= 1
    })
    ctx.body = Readable.from(events(deps, id, AbortSignal.any([gone.signal, deps.stopping])))
  }
}

async function* events(
  deps: Pick<PortalDeps, 'reports' | 'clock'>,
  id: LogoutId,
  gone: AbortSignal,
): AsyncGenerator<string> {
  let last = ''
  let silentFor = 0
  yield 'retry: 2000\n\n'
  for (let look = 0; look < looksPerStream && !gone.aborted; look += 1) {
    const found = await deps.reports.find(id)
    if (found === undefined) return
    const report = signOutReport(rowsOf(found), deps.clock.now())
    const text = JSON.stringify(report)
    silentFor += 1
    if (text !== last) {
      yield `event: report\ndata: ${text}\n\n`
      last = text
      silentFor = 0
    } else if (silentFor >= looksPerHeartbeat) {
      yield ': still here\n\n'
      silentFor = 0
    }
    if (report.settled) return
    await sleep(lookEveryMs, undefined, { signal: gone }).catch(() => undefined)
  }
}
