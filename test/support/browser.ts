/** Enough of a browser to walk through pages without scripts: a cookie jar, redirects, and forms filled in and submitted. */
import { request } from 'undici'

export interface Page {
  readonly status: number
  readonly url: string
  readonly headers: Headers
  readonly text: string
  /** Every address on the way here, the last one included. */
  readonly visited: readonly string[]
  /** Where a redirect that was not followed leads. */
  readonly location: string | undefined
  /** Set-Cookie headers of the last answer. */
  readonly setCookies: readonly string[]
}

export interface Browser {
  get(
    url: string,
    options?: { readonly follow?: boolean; readonly headers?: Record<string, string> },
  ): Promise<Page>
  post(
    url: string,
    fields: Record<string, string>,
    /** `from`: the page whose form it is, where that is another site's. Such a form carries no SameSite cookie. */
    options?: {
      readonly follow?: boolean
      readonly headers?: Record<string, string>
      readonly from?: string
    },
  ): Promise<Page>
  /** Fills in the page's form (the first, or the one whose action ends with `action`) and submits it. */
  submit(
    page: Page,
    fields: Record<string, string>,
    options?: { readonly action?: string; readonly follow?: boolean },
  ): Promise<Page>
  /** Cookies for an address, as the browser would send them. */
  cookiesFor(url: string): ReadonlyMap<string, string>
  setCookie(url: string, name: string, value: string): void
  deleteCookie(url: string, name: string): void
  /** A second tab: the same jar. */
  readonly userAgent: string
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly host: string
  readonly path: string
}

const maxRedirects = 20

/** Creates a browser with an empty jar. */
export function createBrowser(options: { readonly userAgent?: string } = {}): Browser {
  const jar: Cookie[] = []
  const userAgent =
    options.userAgent ?? 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

  const cookiesFor = (url: string): ReadonlyMap<string, string> => {
    const { hostname, pathname } = new URL(url)
    return new Map(
      jar
        .filter((cookie) => cookie.host === hostname && pathname.startsWith(cookie.path))
        .map(({ name, value }) => [name, value]),
    )
  }

  const store = (url: string, headers: readonly string[]): void => {
    const { hostname } = new URL(url)
    for (const header of headers) {
      const [pair = '', ...attributes] = header.split(/;\s*/)
      const name = pair.slice(0, pair.indexOf('='))
      const value = pair.slice(pair.indexOf('=') + 1)
      const attribute = (wanted: string): string | undefined =>
        attributes.find((text) => text.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1)
      const path = attribute('path') ?? '/'
      const known = jar.findIndex(
        (cookie) => cookie.name === name && cookie.host === hostname && cookie.path === path,
      )
      if (known !== -1) jar.splice(known, 1)
      const expires = attribute('expires')
      const gone =
        value === '' || attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) <= 0)
      if (!gone) jar.push({ name, value, host: hostname, path })
    }
  }

  const send = async (
    method: 'GET' | 'POST',
    start: string,
    body: string | undefined,
    extra: Record<string, string>,
    follow: boolean,
    from: string | undefined,
  ): Promise<Page> => {
    const visited: string[] = []
    let url = start
    let sent: { readonly method: 'GET' | 'POST'; readonly body: string | undefined } = { method, body }
    for (let hops = 0; hops < maxRedirects; hops++) {
      visited.push(url)
      const site = from === undefined ? 'none' : siteOf(from, url)
      // Every cookie of the gateway and of the sample apps is SameSite=Lax: other sites' links carry it, their forms do not.
      const shown = site === 'cross-site' && sent.method === 'POST' ? [] : [...cookiesFor(url)]
      const cookies = shown.map(([name, value]) => `${name}=${value}`).join('; ')
      // Not `fetch`: it says `Sec-Fetch-Mode: cors` whatever it is told, and apps that look do not send such a request to sign in.
      const response = await request(url, {
        method: sent.method,
        headers: {
          accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
          'user-agent': userAgent,
          'sec-fetch-site': site,
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': 'document',
          ...(cookies === '' ? {} : { cookie: cookies }),
          ...(sent.body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
          ...(sent.method === 'POST' && from !== undefined ? { origin: new URL(from).origin } : {}),
          ...extra,
        },
        ...(sent.body === undefined ? {} : { body: sent.body }),
      })
      const headers = toHeaders(response.headers)
      const setCookies = headers.getSetCookie()
      store(url, setCookies)
      const text = await response.body.text()
      const status = response.statusCode
      const target = headers.get('location')
      const location = target === null ? undefined : new URL(target, url).href
      if (location === undefined || !follow || status < 300 || status >= 400) {
        return {
          status,
          url,
          headers,
          text,
          visited,
          location,
          setCookies,
        }
      }
      if (status !== 307 && status !== 308) sent = { method: 'GET', body: undefined }
      url = location
    }
    throw new Error(`more than ${maxRedirects} redirects: ${visited.slice(-4).join(' → ')}`)
  }

  const browser: Browser = {
    userAgent,
    cookiesFor,
    setCookie: (url, name, value) => store(url, [`${name}=${value}; path=/`]),
    deleteCookie: (url, name) => store(url, [`${name}=; path=/`]),
    get: (url, { follow = true, headers = {} } = {}) =>
      send('GET', url, undefined, headers, follow, undefined),
    post: (url, fields, { follow = true, headers = {}, from = url } = {}) =>
      send('POST', url, new URLSearchParams(fields).toString(), headers, follow, from),
    submit: (page, fields, { action, follow = true } = {}) => {
      const form = formOf(page, action)
      const all = { ...form.fields, ...fields }
      return send('POST', form.action, new URLSearchParams(all).toString(), {}, follow, page.url)
    },
  }
  return browser
}

/** As `Sec-Fetch-Site` says it. Ports do not make a site, hosts do: ours have one label or are addresses. */
function siteOf(from: string, to: string): 'same-origin' | 'same-site' | 'cross-site' {
  const [a, b] = [new URL(from), new URL(to)]
  if (a.origin === b.origin) return 'same-origin'
  return a.hostname === b.hostname ? 'same-site' : 'cross-site'
}

function toHeaders(received: Readonly<Record<string, string | string[] | undefined>>): Headers {
  return new Headers(
    Object.entries(received).flatMap(([name, value = []]) =>
      [value].flat().map((each): [string, string] => [name, each]),
    ),
  )
}

/** The page's form and the values it already holds. */
export function formOf(
  page: Page,
  action?: string,
): { readonly action: string; readonly fields: Record<string, string> } {
  for (const [, attributes = '', content = ''] of page.text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)) {
    const target = decode(attributeOf(attributes, 'action') ?? page.url)
    if (action !== undefined && !target.endsWith(action)) continue
    const fields: Record<string, string> = {}
    for (const [, input = ''] of content.matchAll(/<input\b([^>]*)>/g)) {
      const name = attributeOf(input, 'name')
      const type = attributeOf(input, 'type')
      if (name === undefined || ((type === 'checkbox' || type === 'radio') && !/\bchecked\b/.test(input)))
        continue
      fields[name] = decode(attributeOf(input, 'value') ?? '')
    }
    return { action: new URL(target, page.url).href, fields }
  }
  throw new Error(
    `no form${action === undefined ? '' : ` to ${action}`} on ${page.url} (${page.status}): ${page.text.slice(0, 400)}`,
  )
}

function attributeOf(text: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1]
}

function decode(text: string): string {
  return text
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
}
