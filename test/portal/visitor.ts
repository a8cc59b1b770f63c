/** A browser as far as the portal can tell: cookies, redirects, forms. It sends what browsers send, unless told to lie. */
export interface Page {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Where it redirects to, as written. */
  readonly location: string | undefined
}

export type Sent = Readonly<Record<string, string>>

export interface Form {
  readonly action: string
  readonly fields: Readonly<Record<string, string>>
}

export class Visitor {
  readonly cookies = new Map<string, string>()
  readonly #issuer: string
  readonly #userAgent: string

  constructor(
    issuer: string,
    userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  ) {
    this.#issuer = issuer
    this.#userAgent = userAgent
  }

  get sessionCookie(): string | undefined {
    return this.cookies.get(this.#sessionName)
  }

  set sessionCookie(value: string) {
    this.cookies.set(this.#sessionName, value)
  }

  get #sessionName(): string {
    return `gatehouse-${new URL(this.#issuer).port}`
  }

  get(path: string, headers: Sent = {}): Promise<Page> {
    return this.#send('GET', path, undefined, { 'Sec-Fetch-Site': 'same-origin', ...headers })
  }

  /** A GET and every redirect after it, as long as it stays with us. */
  async open(path: string): Promise<Page> {
    return this.#follow(await this.get(path))
  }

  post(path: string, fields: Sent, headers: Sent = {}): Promise<Page> {
    return this.#send('POST', path, new URLSearchParams(fields).toString(), {
      'Content-Type': 'application/x-www-form-urlencoded',
      Origin: this.#issuer,
      'Sec-Fetch-Site': 'same-origin',
      ...headers,
    })
  }

  json(path: string, body: unknown, headers: Sent = {}): Promise<Page> {
    return this.#send('POST', path, JSON.stringify(body), {
      'Content-Type': 'application/json',
      Accept: 'application/json',
      Origin: this.#issuer,
      'Sec-Fetch-Site': 'same-origin',
      ...headers,
    })
  }

  /** Fills in the form of a page that posts to `action` and sends it. */
  submit(page: Page, action: string, fields: Sent = {}): Promise<Page> {
    const form = formOf(page, action)
    return this.post(form.action, { ...form.fields, ...fields })
  }

  /** Signs in with e-mail and password, from wherever it is asked for. */
  async signIn(email: string, password: string, page?: Page): Promise<Page> {
    const form = page ?? (await this.open('/sign-in'))
    return this.submit(form, '/sign-in', { email, password })
  }

  async #follow(page: Page): Promise<Page> {
    let current = page
    for (let hops = 0; current.location?.startsWith('/') && hops < 10; hops += 1) {
      current = await this.get(current.location)
    }
    return current
  }

  async #send(method: string, path: string, body: string | undefined, headers: Sent): Promise<Page> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(`${this.#issuer}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        Accept: 'text/html,application/xhtml+xml',
        'User-Agent': this.#userAgent,
        ...(cookie === '' ? {} : { Cookie: cookie }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    })
    this.#remember(response.headers.getSetCookie())
    return {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      location: response.headers.get('Location') ?? undefined,
    }
  }

  #remember(setCookies: readonly string[]): void {
    for (const setCookie of setCookies) {
      const [pair = ''] = setCookie.split(';')
      const name = pair.slice(0, pair.indexOf('='))
      if (/Max-Age=0(;|$)/.test(setCookie)) this.cookies.delete(name)
      else this.cookies.set(name, pair.slice(name.length + 1))
    }
  }
}

/** The form of a page that posts to `action`, with what its hidden and filled-in fields hold. */
export function formOf(page: Page, action: string): Form {
  for (const [, attributes = '', inside = ''] of page.text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)) {
    if (attributeOf(attributes, 'action') !== action) continue
    const fields: Record<string, string> = {}
    for (const [, input = ''] of inside.matchAll(/<input\b([^>]*)>/g)) {
      const name = attributeOf(input, 'name')
      if (name !== undefined && attributeOf(input, 'type') !== 'checkbox') {
        fields[name] = attributeOf(input, 'value') ?? ''
      }
    }
    return { action, fields }
  }
  throw new Error(`No form on this page posts to ${action}:\n${page.text.slice(0, 2_000)}`)
}

/** The token that scripts of a page send. */
export function csrfOf(page: Page): string {
  const token = /<meta name="csrf" content="([^"]+)">/.exec(page.text)?.[1]
  if (token === undefined) throw new Error('This page gives scripts no token.')
  return token
}

function attributeOf(text: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1]
  return value
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&#96;', '`')
    .replaceAll('&amp;', '&')
}
