/** What pages say of each app of a sign-out: the person's, and the operators'. */
import { expect } from 'vitest'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import type { Browser, Page } from '#test/support/browser.ts'

export interface Said {
  readonly appName: string
  readonly state: string
  /** The sentence as a reader sees it, without how long a wait is and without the instant that ends it. */
  readonly words: string
  /** The instant that ends it, ms. */
  readonly until: number | undefined
}

export interface FrameOnPage {
  readonly deliveryId: string
  readonly address: string
}

/** What the person's page says. */
export function saidToPerson({ text }: Page): readonly Said[] {
  const rows = text.matchAll(/<li class="report-row"[\s\S]*?<\/li>/g)
  return [...rows].map(([row]) => said(row, /<span class="report-app">([^<]*)</))
}

/** What the operators' report says, over all of its pages. */
export async function saidToOperators(
  browser: Browser,
  issuer: string,
  id: LogoutId,
): Promise<{ readonly first: Page; readonly said: readonly Said[] }> {
  const pages: Page[] = []
  for (let number = 1, of = 1; number <= of; number++) {
    const page = await browser.get(`${issuer}/console/logouts/${id}?page=${number}`)
    expect(page.status, page.url).toBe(200)
    of = Number(/Page \d+ of (\d+)/.exec(page.text)?.[1] ?? 1)
    pages.push(page)
  }
  const [first] = pages
  if (first === undefined) throw new Error('a report has a page')
  const rows = pages.flatMap(({ text }) => text.split('<li class="row delivery"').slice(1))
  return { first, said: rows.map((row) => said(row, /<h3>([^<]*?) <span/)) }
}

/** What the person's page loads, with JavaScript and without. */
export function framesOn({ text }: Page): readonly FrameOnPage[] {
  const frames = [...text.matchAll(/data-frame="([^"]*)" data-address="([^"]*)"/g)].map(
    ([, deliveryId = '', address = '']) => ({ deliveryId, address: unescaped(address) }),
  )
  const plain = [...text.matchAll(/<iframe\b[^>]*\bsrc="([^"]*)"/g)].map(([, src = '']) => unescaped(src))
  expect(plain).toEqual(frames.map(({ address }) => address))
  return frames
}

/** Whose frames the browser lets the page load. */
export function framedOrigins({ headers }: Page): readonly string[] {
  const policy = headers.get('content-security-policy') ?? ''
  return /frame-src ([^;]*)/.exec(policy)?.[1]?.split(' ') ?? []
}

function said(row: string, name: RegExp): Said {
  const words = /<span data-words>([^<]*)<\/span>/.exec(row)?.[1] ?? ''
  const until = /<span data-until><time datetime="([^"]*)"/.exec(row)?.[1]
  return {
    appName: name.exec(row)?.[1] ?? '',
    state: /data-state="([^"]*)"/.exec(row)?.[1] ?? '',
    words: unescaped(words)
      .replaceAll('\u00a0', ' ')
      .replace(/in \d+ (s|min|h)\b/, 'in …'),
    until: until === undefined ? undefined : Date.parse(until),
  }
}

function unescaped(text: string): string {
  return text
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
}
