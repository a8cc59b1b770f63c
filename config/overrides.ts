import type { EnvironmentOverride } from './environment.ts'
import { isRecord } from './path.ts'

/** The written tree with what the environment sets in its place. Lists are replaced, never merged. */
export function applyOverrides(tree: unknown, overrides: readonly EnvironmentOverride[]): unknown {
  return overrides.reduce<unknown>((current, { path, twin, value }) => {
    const [last, ...parents] = path.toReversed()
    if (last === undefined) return current
    return replaceAt(current, parents.toReversed(), last, twin, value)
  }, tree)
}

function replaceAt(
  tree: unknown,
  parents: readonly string[],
  key: string,
  twin: string | undefined,
  value: unknown,
): unknown {
  // Where something else than a section stands, the file has a mistake: it stays and is reported.
  if (tree !== undefined && !isRecord(tree)) return tree
  const [next, ...rest] = parents
  if (next !== undefined) return { ...tree, [next]: replaceAt(tree?.[next], rest, key, twin, value) }
  const kept = Object.entries(tree ?? {}).filter(([name]) => name !== twin)
  return { ...Object.fromEntries(kept), [key]: value }
}
