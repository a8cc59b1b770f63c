// @ts-check
/**
 * Keeps a page about a sign-out true while apps answer, the person's own and the operators'. The server sends the words; this only
 * puts them in place, says the news aloud, and stops when nothing more will change. What only operators see is put by console.js.
 */
;(() => {
  /**
   * @typedef {{ key?: string, appName: string, state: string, words: string, until?: { at: number, words: string } }} Row
   * @typedef {{ heading: string, summary: string, settled: boolean, rows: Row[] }} Report
   */

  const root = document.querySelector('[data-sign-out]')
  const address = root?.getAttribute('data-events')
  if (root === null || address === null || address === undefined) return

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
