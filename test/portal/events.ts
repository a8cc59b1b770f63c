/** Server-sent events as a page's script gets them. */
import { expect } from 'vitest'
import type { Portal } from './portal.ts'
import type { Visitor } from './visitor.ts'

/** Reads reports until the stream ends, or `until` says that it has seen enough. */
export async function reportsAt<Report>(
  portal: Pick<Portal, 'issuer'>,
  browser: Visitor,
  path: string,
  until: (report: Report) => boolean,
): Promise<readonly Report[]> {
  const response = await fetch(new URL(path, portal.issuer), {
    headers: { Cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
  })
  expect(response.headers.get('Content-Type')).toContain('text/event-stream')
  const seen: Report[] = []
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1]
      text = text.slice(end + 2)
      if (data !== undefined) seen.push(JSON.parse(data) as Report)
    }
    const last = seen.at(-1)
    if (last !== undefined && until(last)) break
  }
  return seen
}
