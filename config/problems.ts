/** One thing that is wrong with the configuration, with all an operator needs to put it right. */
export interface ConfigurationProblem {
  /** Such as `apps[0].oidc.client_secret`; the variable's name where the environment is at fault. */
  readonly path: string
  /** 1-based line in the configuration file; absent where no line is to blame. */
  readonly line?: number
  /** The configuration file's path as given, or `environment`. */
  readonly origin: string
  /** What stands there, in words; never a secret. */
  readonly found: string
  readonly expected: string
  /** The sentence for people; holds `found` and `expected` where they help. */
  readonly message: string
}

/** Something that works but probably does not do what the operator hopes. */
export interface ConfigurationWarning {
  readonly path: string
  readonly line?: number
  readonly origin: string
  readonly message: string
}

/** `gatehouse.yaml:12: sessions.idle: found "8 hours"; expected a duration such as …` */
export function formatProblem(problem: ConfigurationProblem | ConfigurationWarning): string {
  const where = problem.line === undefined ? problem.origin : `${problem.origin}:${problem.line}`
  return `${where}: ${problem.path}: ${problem.message}`
}

/** The configuration cannot be used. Holds everything that is wrong, so that one look and one edit are enough. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError'
  readonly problems: readonly ConfigurationProblem[]

  constructor(problems: readonly ConfigurationProblem[]) {
    const heading =
      problems.length === 1
        ? 'The configuration has a problem:'
        : `The configuration has ${problems.length} problems:`
    super([heading, ...problems.map((problem) => `  ${formatProblem(problem)}`)].join('\n'))
    this.problems = problems
  }
}
