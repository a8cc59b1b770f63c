// @ts-check
/**
 * Loaded on every page; every page works without it.
 * Shows clock times in the reader's own time zone, keeps a form from being sent twice by two clicks, and closes what
 * opened over the page.
 */
;(() => {
  /** "18:00 UTC" and "14 Mar, 18:00 UTC" keep their shape: the day is named when it is not today. */
  function localise(/** @type {HTMLTimeElement} */ time) {
    const at = new Date(time.dateTime)
    const today = new Date().toDateString() === at.toDateString()
    const timeStyle = time.dataset['clock'] === 'seconds' ? 'medium' : 'short'
    const clock = at.toLocaleTimeString([], { timeStyle })
    const day = at.toLocaleDateString([], { day: 'numeric', month: 'short' })
    time.textContent = today ? clock : `${day}, ${clock}`
  }

  for (const time of document.querySelectorAll('time[data-clock]')) {
    localise(/** @type {HTMLTimeElement} */ (time))
  }
  // sign-out.js puts new times on the page.
  document.addEventListener('gatehouse:time', (event) => {
    if (event.target instanceof HTMLTimeElement) localise(event.target)
  })

  document.addEventListener('submit', (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target)
    if (form.dataset['sent'] !== undefined) return event.preventDefault()
    form.dataset['sent'] = ''
    // Not `disabled`: a disabled button loses the focus, and its name and value are not sent.
    event.submitter?.setAttribute('aria-busy', 'true')
  })

  // A part that opens over others closes by Escape, and by a click beside it.
  document.addEventListener('click', (event) =>
    closeActs((act) => !act.contains(/** @type {Node} */ (event.target))),
  )
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return
    for (const act of closeActs(() => true)) act.querySelector('summary')?.focus()
  })

  function closeActs(/** @type {(act: HTMLDetailsElement) => boolean} */ which) {
    const open = [
      .../** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll('.act[open]')),
    ].filter(which)
    for (const act of open) act.open = false
    return open
  }

  // Back to a page the browser kept: its forms may be sent again.
  window.addEventListener('pageshow', (event) => {
    if (!event.persisted) return
    for (const form of document.forms) delete form.dataset['sent']
    for (const button of document.querySelectorAll('[aria-busy]')) button.removeAttribute('aria-busy')
  })
})()
