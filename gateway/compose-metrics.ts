/**
 * What is read when monitoring asks, and the listener that it asks at.
 */
import type { RequestListener } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Core } from './compose-core.ts'
import { createMetricsHandler, createRequestMeter, measured } from './http/metrics.ts'
import { secondMs } from './kernel/clock.ts'
import type { Gauged } from './kernel/metrics.ts'

export interface Monitored extends Disposable {
  /** `handle`, with its requests counted. */
  readonly handle: RequestListener
  readonly handleMetrics: RequestListener
}

/** Counting rows reads each of them: beyond this the number says "at least so many", and a reading still takes milliseconds. */
const countedAtMost = 100_000
/** How often the event loop is looked at. */
const loopResolutionMs = 10
const nanosecondsPerSecond = 1e9

/** Begins to measure what costs something to measure; without a listener for metrics nothing does. */
export function monitor(core: Core, handle: RequestListener): Monitored {
  const { metrics, stores, clock } = core
  const alone = (value: number): readonly Gauged<never>[] => [{ labels: {}, value }]

  metrics.gauge(
    {
      name: 'gatehouse_sessions_live',
      help: `Sessions of people that have not ended, counted up to ${countedAtMost}.`,
      labels: [],
    },
    async () => alone(await stores.sessions.countActive(countedAtMost)),
  )
  metrics.gauge(
    {
      name: 'gatehouse_logout_deliveries_pending',
      help: `Apps that are still owed the news of a sign-out, counted up to ${countedAtMost}.`,
      labels: [],
    },
    async () => alone(await stores.logouts.countPending(countedAtMost)),
  )
  metrics.gauge(
    {
      name: 'gatehouse_apps_unhealthy',
      help: 'Apps that have not confirmed a sign-out since an attempt failed: failing while they are still told, down while they are only probed.',
      labels: ['state'],
    },
    async () => {
      const { failing, down } = await stores.health.countUnhealthy()
      return [
        { labels: { state: 'failing' }, value: failing },
        { labels: { state: 'down' }, value: down },
      ]
    },
  )
  metrics.gauge(
    {
      name: 'process_start_time_seconds',
      help: 'When the process started, in seconds since the epoch.',
      labels: [],
    },
    () => alone(Math.round(clock.now() / secondMs - process.uptime())),
  )
  metrics.gauge(
    { name: 'process_resident_memory_bytes', help: 'Memory that the process holds.', labels: [] },
    () => alone(process.memoryUsage.rss()),
  )

  const loop = monitorEventLoopDelay({ resolution: loopResolutionMs })
  loop.enable()
  metrics.gauge(
    {
      name: 'gatehouse_event_loop_delay_seconds',
      help: 'How late the event loop came to its work since the last reading.',
      labels: ['quantile'],
    },
    () => {
      // What is recorded is the time between two looks, of which most was meant to pass.
      const late = (ns: number): number =>
        Math.max(0, ns / nanosecondsPerSecond - loopResolutionMs / secondMs)
      const read = [
        { labels: { quantile: '0.5' }, value: late(loop.percentile(50)) },
        { labels: { quantile: '0.99' }, value: late(loop.percentile(99)) },
        { labels: { quantile: '1' }, value: late(loop.max) },
      ]
      loop.reset()
      return read
    },
  )

  return {
    handle: measured(createRequestMeter(metrics), handle),
    handleMetrics: createMetricsHandler(metrics),
    [Symbol.dispose]: () => void loop.disable(),
  }
}
