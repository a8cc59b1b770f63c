import { checkTogether } from './checks.ts'
import { type EnvironmentOverride, readEnvironment } from './environment.ts'
import { expandNames, type Finding, readSecretFiles } from './fill.ts'
import { findFile, type LoadOptions } from './find.ts'
import { findingsOf } from './issues.ts'
import { applyOverrides } from './overrides.ts'
import { pathText, type SettingPath } from './path.ts'
import { ConfigurationError, type ConfigurationProblem, type ConfigurationWarning } from './problems.ts'
import { databaseOf, resolveSettings } from './resolve.ts'
import type { GatehouseConfig } from './resolved.ts'
import { type Settings, settingsSchema } from './schema.ts'
import { understand } from './understand.ts'
import { unreadableFiles } from './unreadable.ts'
import type { YamlFile } from './yaml-file.ts'

export interface LoadedConfig {
  readonly config: GatehouseConfig
  /** In the file's own form with every default filled in. Holds secrets: `printConfig` shows it without. */
  readonly settings: Settings
  readonly warnings: readonly ConfigurationWarning[]
  /** Absolute; absent when the defaults serve. */
  readonly file?: string
  /** What relative paths are relative to: the file's folder, else the working directory. */
  readonly folder: string
}

/**
 * Reads, checks and resolves the configuration.
 *
 * Throws one `ConfigurationError` that holds every problem. Reads nothing but the files it is pointed to and the
 * environment it is given.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { file, folder, shown, reading } = findFile(options)
  const environment = readEnvironment(options.environment)
  if (reading.kind === 'malformed')
    throw new ConfigurationError([...reading.problems, ...environment.problems])

  const findings: Finding[] = []
  // Names expand before the environment overrides: a shell has already expanded what the environment holds.
  const expanded = expandNames(reading.file.tree, settingsSchema, options.environment, findings)
  const overridden = applyOverrides(expanded, environment.overrides)
  const tree = readSecretFiles(overridden, settingsSchema, folder, findings)

  const parsed = settingsSchema.safeParse(tree)
  if (!parsed.success) findings.push(...parsed.error.issues.flatMap((issue) => findingsOf(issue, tree)))
  const understood = understand(tree)
  const together = checkTogether(understood)
  findings.push(...together.findings, ...unreadableFiles(understood.settings, folder))

  const place = placeIn(reading.file, shown, environment.overrides)
  const problems = [...problemsOf(findings, place), ...environment.problems]
  if (!parsed.success || problems.length > 0) throw new ConfigurationError(problems)

  const settings = {
    ...parsed.data,
    storage: { ...parsed.data.storage, database: databaseOf(parsed.data, folder) },
  }
  const declaredAt = (path: SettingPath) => ({ file: file ?? folder, line: reading.file.lineOf(path) })
  return {
    config: resolveSettings(settings, { folder, declaredAt }),
    settings,
    warnings: together.advice.map(({ path, message }) => ({ path: pathText(path), ...place(path), message })),
    ...(file === undefined ? {} : { file }),
    folder,
  }
}

type PlaceOf = (path: SettingPath) => { readonly origin: string; readonly line?: number }

/** Who gave the value at a path: a line of the file, or a variable. */
function placeIn(file: YamlFile, shown: string, overrides: readonly EnvironmentOverride[]): PlaceOf {
  return (path) => {
    const override = overrides.find((candidate) => covers(candidate.path, path))
    if (override !== undefined) return { origin: `environment ${override.name}` }
    return { origin: shown, line: file.lineOf(path) }
  }
}

/** Whether what was given at `given` decides the value at `path`: the same place, one around it, or its `_file` twin. */
function covers(given: SettingPath, path: SettingPath): boolean {
  return given.every((step, index) => step === path[index] || step === `${path[index]}_file`)
}

/** In the order of the file's lines; the first thing wrong with a value is enough. */
function problemsOf(findings: readonly Finding[], place: PlaceOf): ConfigurationProblem[] {
  const byPath = new Map<string, ConfigurationProblem>()
  for (const { path, found, expected } of findings) {
    const text = pathText(path)
    // A secret whose file cannot be read is not missing as well.
    if (byPath.has(text) || byPath.has(`${text}_file`)) continue
    byPath.set(text, {
      path: text,
      ...place(path),
      found,
      expected,
      message: `found ${found}; expected ${expected}`,
    })
  }
  return [...byPath.values()].toSorted((left, right) => (left.line ?? 0) - (right.line ?? 0))
}
