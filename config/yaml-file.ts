import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml'
import type { SettingPath } from './path.ts'
import type { ConfigurationProblem } from './problems.ts'

/** A configuration file as plain data that still knows its lines. */
export interface YamlFile {
  readonly tree: Record<string, unknown>
  /** The 1-based line on which the value stands, or, where there is none, the nearest thing around it. */
  readonly lineOf: (path: SettingPath) => number
}

export type YamlReading =
  | { readonly kind: 'read'; readonly file: YamlFile }
  | { readonly kind: 'malformed'; readonly problems: readonly ConfigurationProblem[] }

/** YAML 1.2 without its traps: duplicate keys and unknown tags are mistakes, aliases are bounded by the parser. */
export function parseYamlFile(text: string, origin: string): YamlReading {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    strict: true,
    logLevel: 'silent',
  })
  const mistakes = [...document.errors, ...document.warnings]
  const [first] = mistakes
  if (first !== undefined) {
    // After one mistake of form the parser only stumbles on; duplicate keys are each a mistake of their own.
    const told = first.code === 'DUPLICATE_KEY' ? mistakes.filter(({ code }) => code === first.code) : [first]
    return {
      kind: 'malformed',
      problems: told.map(({ pos, message }) => malformed(origin, lines.linePos(pos[0]).line, message)),
    }
  }
  // A file of comments only is a file that changes nothing.
  const root = document.contents
  if (root !== null && !(isScalar(root) && root.value === null) && !isMap(root)) {
    return { kind: 'malformed', problems: [malformed(origin, 1, 'the top level must be keys with values')] }
  }
  const tree = (document.toJS({ maxAliasCount: 100 }) ?? {}) as Record<string, unknown>
  return { kind: 'read', file: { tree, lineOf: (path) => lineOf(document, lines, path) } }
}

function malformed(origin: string, line: number, parserMessage: string): ConfigurationProblem {
  // The parser quotes what it stumbled over, which may be a password.
  const message = `malformed YAML: ${parserMessage.replace(/:? (".*|'.*)$/s, '')}`
  return { path: '(yaml)', line, origin, found: 'malformed YAML', expected: 'well-formed YAML', message }
}

function lineOf(document: Document, lines: LineCounter, path: SettingPath): number {
  let node: unknown = document.contents
  let offset = 0
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document)
    let start: Node | undefined
    if (isMap(node)) {
      // A secret may stand under its twin, which names a file.
      const pair = pairOf(node, String(step)) ?? pairOf(node, `${step}_file`)
      start = pair?.key as Node | undefined
      node = pair?.value
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step]
      start = node as Node | undefined
    }
    if (start === undefined) break
    offset = start.range?.[0] ?? offset
  }
  return lines.linePos(offset).line
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key)
}
