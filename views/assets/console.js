// @ts-check
/** What the operators' report of a Logout shows beside its rows, put in place when sign-out.js has got it. */
;(() => {
  /**
   * @typedef {{ number: number, at: { at: number, words: string }, cells: string[] }} Attempt
   * @typedef {{ key: string, attempts: Attempt[], attemptCount: number }} Row
   * @typedef {{ state: string, x: number, width: number }} Piece
   * @typedef {{ settled: boolean, rows: Row[], puts: Record<string, string>, bar: Piece[], progress?: { value: number, max: number } }} Report
   */

  const root = document.querySelector('[data-sign-out]')

  root?.addEventListener('gatehouse:report', (event) => {
    const report = /** @type {CustomEvent<Report>} */ (event).detail
    for (const [name, text] of Object.entries(report.puts))
      put(root.querySelector(`[data-put="${name}"]`), text)
    for (const { state, x, width } of report.bar) {
      const piece = root.querySelector(`[data-bar] [data-state="${state}"]`)
      piece?.setAttribute('x', String(x))
      piece?.setAttribute('width', String(width))
    }
    const progress = root.querySelector('progress')
    if (progress && report.progress) Object.assign(progress, report.progress)
    for (const row of report.rows) putAttempts(root.querySelector(`[data-row="${row.key}"]`), row)
    if (!report.settled) return
    for (const part of root.querySelectorAll('[data-when-settled]')) part.removeAttribute('hidden')
  })

  /** Adds those that are not there yet. */
  function putAttempts(/** @type {Element | null} */ line, /** @type {Row} */ row) {
    put(line?.querySelector('[data-attempt-count]'), String(row.attemptCount))
    const list = line?.querySelector('[data-attempts]')
    const template = /** @type {HTMLTemplateElement | null | undefined} */ (
      root?.querySelector('[data-attempt-template]')
    )
    if (!list || !template) return
    for (const { number, at, cells } of row.attempts) {
      if (list.querySelector(`[data-attempt="${number}"]`)) continue
      list.append(template.content.cloneNode(true))
      const added = list.lastElementChild
      added?.setAttribute('data-attempt', String(number))
      const [when, ...rest] = added?.children ?? []
      for (const [index, text] of cells.entries()) put(rest[index], text)
      const time = document.createElement('time')
      time.dateTime = new Date(at.at).toISOString()
      time.dataset['clock'] = 'seconds'
      time.textContent = at.words
      when?.append(time)
      time.dispatchEvent(new CustomEvent('gatehouse:time', { bubbles: true }))
    }
  }

  /** Only where it differs: a screen reader repeats what is written again. */
  function put(/** @type {Element | null | undefined} */ place, /** @type {string} */ text) {
    if (place && place.textContent !== text) place.textContent = text
  }
})()
