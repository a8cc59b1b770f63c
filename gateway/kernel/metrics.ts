/**
 * Numbers about the running gateway, in the text that Prometheus reads (exposition format 0.0.4).
 *
 * Owns: counting and the format. Never: a label whose values come from a request. Labels are few and known when the code is written;
 * should one not be, its series are bounded and the rest is counted together.
 */
export type Labels<Name extends string> = Readonly<Record<Name, string>>

export interface Counter<Name extends string> {
  add(labels: Labels<Name>, by?: number): void
}

export interface Histogram<Name extends string> {
  observe(labels: Labels<Name>, value: number): void
}

export interface MetricNamed<Name extends string> {
  /** `gatehouse_…` in base units; counters end in `_total`. */
  readonly name: string
  readonly help: string
  readonly labels: readonly Name[]
}

export interface Gauged<Name extends string> {
  readonly labels: Labels<Name>
  readonly value: number
}

export interface Metrics {
  /** `from`: series that stand at 0 before anything was counted, so that a rate sees the first one. */
  counter<Name extends string>(
    of: MetricNamed<Name> & { readonly from?: readonly Labels<Name>[] },
  ): Counter<Name>
  /** `buckets`: upper bounds, rising. */
  histogram<Name extends string>(
    of: MetricNamed<Name> & { readonly buckets: readonly number[] },
  ): Histogram<Name>
  /** Read whenever somebody asks. One that cannot be read is left out: no number is better than a wrong one. */
  gauge<Name extends string>(
    of: MetricNamed<Name>,
    read: () => readonly Gauged<Name>[] | Promise<readonly Gauged<Name>[]>,
  ): void
  /** Everything, as text. */
  text(): Promise<string>
}

/** Routes times statuses are about 200 in practice. */
const maxSeries = 500
/** Stands for the values of every label of what came after. */
const others = 'other'

/** Creates an empty set of metrics. */
export function createMetrics(): Metrics {
  const families: { readonly head: string; readonly lines: () => Promise<readonly string[]> }[] = []
  const add = (of: MetricNamed<string>, type: string, lines: () => Promise<readonly string[]>): void => {
    families.push({ head: `# HELP ${of.name} ${escapeHelp(of.help)}\n# TYPE ${of.name} ${type}`, lines })
  }
  return {
    counter: (of) => {
      const series = createSeries(of.labels, () => ({ total: 0 }))
      for (const labels of of.from ?? []) series.at(labels)
      add(of, 'counter', async () =>
        series.all().map(([labels, { total }]) => sample(of.name, labels, total)),
      )
      return {
        add: (labels, by = 1) => {
          series.at(labels).total += by
        },
      }
    },

    histogram: (of) => {
      const series = createSeries(of.labels, () => ({ sum: 0, counts: of.buckets.map(() => 0), count: 0 }))
      add(of, 'histogram', async () =>
        series.all().flatMap(([labels, { sum, counts, count }]) => {
          const bucket = (le: string, value: number) =>
            sample(`${of.name}_bucket`, [...labels, ['le', le]], value)
          let below = 0
          const cumulated = counts.map((own) => {
            below += own
            return below
          })
          return [
            ...of.buckets.map((bound, at) => bucket(String(bound), cumulated[at] ?? 0)),
            bucket('+Inf', count),
            sample(`${of.name}_sum`, labels, sum),
            sample(`${of.name}_count`, labels, count),
          ]
        }),
      )
      return {
        observe: (labels, value) => {
          const seen = series.at(labels)
          const at = of.buckets.findIndex((bound) => value <= bound)
          if (at >= 0) seen.counts[at] = (seen.counts[at] ?? 0) + 1
          seen.sum += value
          seen.count++
        },
      }
    },

    gauge: (of, read) =>
      add(of, 'gauge', async () =>
        (await read()).map(({ labels, value }) => sample(of.name, pairs(of.labels, labels), value)),
      ),

    text: async () => {
      const parts = await Promise.all(
        families.map(async ({ head, lines }) => [head, ...(await lines().catch(() => []))]),
      )
      return `${parts.flat().join('\n')}\n`
    },
  }
}

type Pairs = readonly (readonly [name: string, value: string])[]

/** One value per set of labels, up to the bound. */
function createSeries<Name extends string, Value>(names: readonly Name[], empty: () => Value) {
  const known = new Map<string, { readonly labels: Pairs; readonly value: Value }>()
  const at = (labels: Pairs): Value => {
    const key = labels.map(([, value]) => value).join('\n')
    const found = known.get(key)
    if (found !== undefined) return found.value
    if (known.size >= maxSeries && labels.some(([, value]) => value !== others)) {
      return at(labels.map(([name]) => [name, others]))
    }
    const value = empty()
    known.set(key, { labels, value })
    return value
  }
  return {
    at: (labels: Labels<Name>): Value => at(pairs(names, labels)),
    all: (): readonly (readonly [Pairs, Value])[] =>
      [...known.values()].map(({ labels, value }) => [labels, value]),
  }
}

function pairs<Name extends string>(names: readonly Name[], labels: Labels<Name>): Pairs {
  return names.map((name) => [name, labels[name]])
}

function sample(name: string, labels: Pairs, value: number): string {
  if (labels.length === 0) return `${name} ${value}`
  return `${name}{${labels.map(([label, text]) => `${label}="${escapeLabel(text)}"`).join(',')}} ${value}`
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}
