// @ts-check
/**
 * Keeps a page about a sign-out true while apps answer, the person's own and the operators', and tells the apps that only a browser can
 * tell. The server sends the words; this only puts them in place, says the news aloud, and stops when nothing more will change. Of a
 * frame it says that it has loaded, and no more. What only operators see is put by console.js.
 */
;(() => {
  /**
   * @typedef {{ key?: string, appName: string, state: string, words: string, until?: { at: number, words: string } }} Row
   * @typedef {{ heading: string, summary: string, settled: boolean, rows: Row[] }} Report
   */

  const root = document.querySelector('[data-sign-out]')
  const address = root?.getAttribute('data-events')
  if (root === null || address === null || address === undefined) return
  const journey = address.replace(/\/events$/, '')

  const stream = new EventSource(address)
  stream.addEventListener('report', (event) => {
    const report = /** @type {Report} */ (JSON.parse(event.data))
    put(root.querySelector('[data-heading]'), report.heading)
    put(root.querySelector('[data-summary]'), report.summary)
    const news = report.rows.flatMap((row, index) =>
      putRow(row, index) ? [`${row.appName}: ${row.words}`] : [],
    )
    if (news.length > 0) put(root.querySelector('[data-news]'), news.join('. '))
    root.dispatchEvent(new CustomEvent('gatehouse:report', { detail: report }))
    document.title = document.title.replace(/^.*( · )/, `${report.heading}$1`)
    if (report.settled) stream.close()
  })
  // A journey that is gone answers with an error, and the browser does not ask again; otherwise it does by itself.

  const place = /** @type {HTMLElement | null} */ (root.querySelector('[data-frames]'))
  if (place !== null) void carry(place)

  /** Loads what tells the apps, and goes on when all have loaded, or when the time for it is over. */
  async function carry(/** @type {HTMLElement} */ place) {
    const goOn = root?.getAttribute('data-go-on')
    const parts = [.../** @type {NodeListOf<HTMLElement>} */ (place.querySelectorAll('[data-frame]'))]
    const told = Promise.allSettled(
      parts.map((part) => load(place, part).then(() => say(part.dataset['frame']))),
    )
    if (!goOn) return
    await Promise.race([told, new Promise((over) => setTimeout(over, Number(place.dataset['wait'])))])
    // Not as a step of its own: back from where it leads is where the person came from.
    location.replace(goOn)
  }

  /** Resolves when the frame has loaded. A browser calls a page loaded that an app refused, or that never came. */
  function load(/** @type {HTMLElement} */ place, /** @type {HTMLElement} */ part) {
    return new Promise((loaded) => {
      const frame = document.createElement('iframe')
      frame.title = part.dataset['title'] ?? ''
      frame.referrerPolicy = 'no-referrer'
      frame.tabIndex = -1
      frame.setAttribute('sandbox', place.dataset['sandbox'] ?? '')
      frame.addEventListener('load', loaded, { once: true })
      frame.src = part.dataset['address'] ?? ''
      place.append(frame)
    })
  }

  /** Outlives the page, which may go on in this very moment. */
  function say(/** @type {string | undefined} */ delivery) {
    return fetch(`${journey}/loaded`, {
      method: 'POST',
      keepalive: true,
      headers: {
        'content-type': 'application/json',
        'x-csrf': document.querySelector('meta[name="csrf"]')?.getAttribute('content') ?? '',
      },
      body: JSON.stringify({ loaded: [delivery] }),
    })
  }

  /** True when the app's state is another one than before; a countdown alone is no news. */
  function putRow(/** @type {Row} */ row, /** @type {number} */ index) {
    const line = root?.querySelector(`[data-row="${row.key ?? index}"]`)
    if (!line) return false
    const changed = line.getAttribute('data-state') !== row.state
    line.setAttribute('data-state', row.state)
    line.querySelector('use')?.setAttribute('href', `#state-${row.state}`)
    put(line.querySelector('[data-words]'), row.words)
    putTime(line.querySelector('[data-until]'), row.until)
    return changed
  }

  function putTime(/** @type {Element | null} */ place, /** @type {Row['until']} */ until) {
    if (!until) return place?.replaceChildren()
    const time = document.createElement('time')
    time.dateTime = new Date(until.at).toISOString()
    time.textContent = until.words
    place?.replaceChildren(time)
    time.dispatchEvent(new CustomEvent('gatehouse:time', { bubbles: true }))
  }

  /** Only where it differs: a screen reader repeats what is written again. */
  function put(/** @type {Element | null} */ place, /** @type {string} */ text) {
    if (place !== null && place.textContent !== text) place.textContent = text
  }
})()
