/**
 * One request and its answer, spoken to undici without a stream, an abort signal and a listener for each: those cost as much as signing
 * what is sent.
 *
 * Owns: the deadline and the size of an answer. The deadline is ours and not the engine's, which does not look at a request while a
 * name is looked up or a connection opens. Never: says anything twice; what comes after the outcome is dropped.
 */
import type { Dispatcher, Pool } from 'undici'
import type { EgressOutcome } from '#gateway/kernel/egress.ts'
import { reasonOf } from './egress-failure.ts'

export interface ExchangeLimits {
  readonly timeoutMs: number
  /** The answer's body is read up to here, then the connection is closed. */
  readonly maxBytes: number
}

/** Sends it over a connection of `pool`. Never throws. */
export function exchange(
  pool: Pool,
  request: Dispatcher.DispatchOptions,
  limits: ExchangeLimits,
): Promise<EgressOutcome> {
  return new Promise((resolve) => {
    pool.dispatch(request, new Exchange(limits, resolve))
  })
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #began = performance.now()
  readonly #resolve: (outcome: EgressOutcome) => void
  readonly #timer: NodeJS.Timeout
  readonly #chunks: Buffer[] = []
  #controller: Dispatcher.DispatchController | undefined
  #left: number
  #status = 0
  #headers: Record<string, string> = {}
  #done = false

  constructor({ timeoutMs, maxBytes }: ExchangeLimits, resolve: (outcome: EgressOutcome) => void) {
    this.#resolve = resolve
    this.#left = maxBytes
    this.#timer = setTimeout(() => {
      this.#unanswered({ reason: 'timeout', detail: `no answer within ${timeoutMs} ms` })
      this.#controller?.abort(new Error('expired'))
    }, timeoutMs)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It waited in line for longer than anybody waits for it: it is not sent.
    if (this.#done) controller.abort(new Error('expired'))
    else this.#controller = controller
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // The answer itself follows what is only informational.
    if (status < 200) return
    this.#status = status
    this.#headers = flat(headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return
    this.#chunks.push(chunk.subarray(0, this.#left))
    this.#left -= chunk.length
    if (this.#left >= 0) return
    this.#answered()
    controller.abort(new Error('enough'))
  }

  onResponseEnd(): void {
    this.#answered()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#unanswered(reasonOf(error))
  }

  #answered(): void {
    this.#end({
      kind: 'answered',
      status: this.#status,
      headers: this.#headers,
      body: this.#chunks.length === 0 ? '' : Buffer.concat(this.#chunks).toString('utf8'),
      durationMs: this.#durationMs(),
    })
  }

  #unanswered(why: ReturnType<typeof reasonOf>): void {
    this.#end({ kind: 'unreachable', ...why, durationMs: this.#durationMs() })
  }

  #durationMs(): number {
    return Math.round(performance.now() - this.#began)
  }

  #end(outcome: EgressOutcome): void {
    if (this.#done) return
    this.#done = true
    clearTimeout(this.#timer)
    this.#resolve(outcome)
  }
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const all: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) all[name] = Array.isArray(value) ? value.join(', ') : value
  return all
}
