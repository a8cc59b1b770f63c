/**
 * Words for instants and durations, computed from `now` alone so that a page is a pure function.
 * All in UTC and saying so; `<time datetime>` carries the instant, and page.js turns clock times into local ones.
 */
import { type Html, html } from './html.ts'

const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** "20 s", "5 min", "3 h", "2 days": rounded up, because a wait must never be shorter in words than in fact. */
export function durationWords(durationMs: number): string {
  if (durationMs < minuteMs) return `${Math.max(1, Math.ceil(durationMs / secondMs))} s`
  if (durationMs < hourMs) return `${Math.ceil(durationMs / minuteMs)} min`
  if (durationMs < 2 * dayMs) return `${Math.ceil(durationMs / hourMs)} h`
  return `${Math.ceil(durationMs / dayMs)} days`
}

/** "just now", "5 minutes ago", "3 days ago", and from 30 days on the date. */
export function agoWords(at: number, now: number): string {
  const elapsedMs = now - at
  if (elapsedMs < minuteMs) return 'just now'
  if (elapsedMs < hourMs) return counted(Math.floor(elapsedMs / minuteMs), 'minute')
  if (elapsedMs < dayMs) return counted(Math.floor(elapsedMs / hourMs), 'hour')
  if (elapsedMs < 30 * dayMs) return counted(Math.floor(elapsedMs / dayMs), 'day')
  return dateWords(at)
}

/** "18:00 UTC" on the day of `now`, otherwise "14 Mar, 18:00 UTC", with the year where it is another one. */
export function clockWords(at: number, now: number): string {
  const instant = new Date(at)
  const time = `${twoDigits(instant.getUTCHours())}:${twoDigits(instant.getUTCMinutes())} UTC`
  if (Math.floor(at / dayMs) === Math.floor(now / dayMs)) return time
  const sameYear = instant.getUTCFullYear() === new Date(now).getUTCFullYear()
  return `${sameYear ? dayWords(instant) : dateWords(at)}, ${time}`
}

/** "14 Mar 2026". */
export function dateWords(at: number): string {
  const instant = new Date(at)
  return `${dayWords(instant)} ${instant.getUTCFullYear()}`
}

/** A moment on the clock, which the page's script shows in the reader's own time zone. */
export function clockTime(at: number, now: number): Html {
  return timeOf(at, clockWords(at, now))
}

/** The same, where the words were made before. */
export function timeOf(at: number, words: string): Html {
  return html`<time datetime="${iso(at)}" data-clock>${words}</time>`
}

/** The same to the second, for what follows one another closely. */
export function exactTime(at: number, words: string): Html {
  return html`<time datetime="${iso(at)}" data-clock="seconds">${words}</time>`
}

/** "18:00:05 UTC", with the day where it is another one than that of `now`. */
export function exactWords(at: number, now: number): string {
  const seconds = twoDigits(new Date(at).getUTCSeconds())
  return clockWords(at, now).replace(' UTC', `:${seconds} UTC`)
}

/** How long ago something was; the exact moment is in its title. */
export function agoTime(at: number, now: number): Html {
  return html`<time datetime="${iso(at)}" title="${dateWords(at)}, ${clockWords(at, at)}">${agoWords(at, now)}</time>`
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

function dayWords(instant: Date): string {
  return `${instant.getUTCDate()} ${months[instant.getUTCMonth()] ?? ''}`
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
