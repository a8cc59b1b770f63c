/**
 * Server-sent events (HTML, section 9.2) of something that is looked at again and again until it changes no more.
 *
 * Bounded on every side, because anyone may open such a page and leave the tab: a stream lives for a minute and the browser asks for
 * the next one by itself. A process that stops ends its streams, and the browser comes back to the next one.
 */
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'koa'
import { GatewayError } from '../kernel/errors.ts'

/** What a page shows at this moment, sent as the event `report` when it is another than before. */
export interface Look {
  readonly report: unknown
  /** Nothing more will change: the stream ends. */
  readonly settled: boolean
  /** For what is dear to look at; otherwise often enough to look alive, seldom enough that a hundred pages cost little. */
  readonly lookAgainMs?: number
}

const lookEveryMs = 700
/** Proxies close what lives much longer. */
const streamMs = 60_000
/** Below what proxies take for silence. */
const heartbeatMs = 15_000
/** Open streams, in all and for one page: each is a socket and a read every 700 ms. */
const maxStreams = 200
const maxStreamsEach = 4

/** Answers with the events of what `look` sees under `key`; undefined means that there is nothing to watch any more. */
export type StreamEvents = (ctx: Context, key: string, look: () => Promise<Look | undefined>) => Promise<void>

/** Creates what counts the open streams of one kind of page. `stopping` is aborted when the process is about to stop. */
export function createEventStreams({ stopping }: { readonly stopping: AbortSignal }): StreamEvents {
  const open = new Map<string, number>()
  let inAll = 0

  return async (ctx, key, look) => {
    const first = await look()
    if (first === undefined) {
      // 204 tells an EventSource not to come back (HTML, section 9.2.3).
      ctx.status = 204
      return
    }
    // Gone while we looked: nothing would ever tell us to forget it.
    if (ctx.res.closed) return
    const each = open.get(key) ?? 0
    if (inAll >= maxStreams || each >= maxStreamsEach) {
      throw new GatewayError('busy', 'Too many pages are watching. Reload this one to see how it stands.')
    }
    open.set(key, each + 1)
    inAll += 1
    ctx.type = 'text/event-stream'
    // Buffering proxies would keep the news until the end.
    ctx.set('X-Accel-Buffering', 'no')
    const gone = new AbortController()
    // However it ends. The stream's own end would come late: a generator hears of it at its next word only.
    ctx.res.once('close', () => {
      gone.abort()
      const left = (open.get(key) ?? 1) - 1
      if (left === 0) open.delete(key)
      else open.set(key, left)
      inAll -= 1
    })
    ctx.body = Readable.from(events(first, look, AbortSignal.any([gone.signal, stopping])))
  }
}

async function* events(
  first: Look,
  look: () => Promise<Look | undefined>,
  gone: AbortSignal,
): AsyncGenerator<string> {
  let last = ''
  let silentMs = 0
  let seen: Look | undefined = first
  yield 'retry: 2000\n\n'
  for (let livedMs = 0; livedMs < streamMs && !gone.aborted; ) {
    if (seen === undefined) return
    const waitMs = seen.lookAgainMs ?? lookEveryMs
    const text = JSON.stringify(seen.report)
    silentMs += waitMs
    if (text !== last) {
      yield `event: report\ndata: ${text}\n\n`
      last = text
      silentMs = 0
    } else if (silentMs >= heartbeatMs) {
      yield ': still here\n\n'
      silentMs = 0
    }
    if (seen.settled) return
    await sleep(waitMs, undefined, { signal: gone }).catch(() => undefined)
    livedMs += waitMs
    if (!gone.aborted) seen = await look()
  }
}
