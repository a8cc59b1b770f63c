import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type LoadedConfig, loadConfig } from '#config/load.ts'
import { ConfigurationError, type ConfigurationProblem } from '#config/problems.ts'

/** A folder with files in it that goes when the test is over. */
export function folderWith(files: Readonly<Record<string, string>>): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-config-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

type Environment = Readonly<Record<string, string>>

/** What the loader makes of a `gatehouse.yaml` with this text. */
export function load(yaml: string, environment: Environment = {}, files: Environment = {}): LoadedConfig {
  using folder = folderWith({ 'gatehouse.yaml': yaml, ...files })
  return loadConfig({ environment, workingDirectory: folder.path })
}

/** What the loader has against it; empty when it has nothing. */
export function problemsOf(
  yaml: string,
  environment: Environment = {},
  files: Environment = {},
): readonly ConfigurationProblem[] {
  return refusal(() => load(yaml, environment, files))?.problems ?? []
}

/** The refusal that `work` ended with; undefined when it went through. */
export function refusal(work: () => unknown): ConfigurationError | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof ConfigurationError) return error
    throw error
  }
}

/** The messages that concern one path. */
export function messagesAt(path: string, problems: readonly ConfigurationProblem[]): string[] {
  return problems.filter((problem) => problem.path === path).map((problem) => problem.message)
}

export const longSecret = 'a-secret-of-more-than-thirty-two-characters'

/** An app that the loader takes, with lines of its own indented by six spaces under `oidc`. */
export function anApp(oidcLines = '', appLines = ''): string {
  return `
apps:
  - id: wiki
${appLines}
    oidc:
      client_secret: ${longSecret}
      redirect_uris: [https://wiki.example.com/callback]
${oidcLines}
`
}
