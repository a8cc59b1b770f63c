/** A path of an interaction with its query is a tenth of this; what is longer was not made by us. */
const resumePathMaxLength = 2_048
/** Stands in for our own origin; `.invalid` can belong to nobody (RFC 2606 section 2). */
const anyOrigin = 'https://own-origin.invalid'

/**
 * A path on our own origin, parsed as a browser would and written out again; undefined for anything else (N-034).
 *
 * A browser takes `//host`, `/\host`, and a tab or newline between the two for another origin, and `/.//host` turns into `//host`
 * once it is normalised. So control characters and backslashes are refused before parsing, and a second slash before and after.
 */
export function parseResumePath(text: string): string | undefined {
  if (text.length > resumePathMaxLength || !text.isWellFormed()) return undefined
  if (!/^\/(?!\/)[^\\\p{Cc}]*$/u.test(text)) return undefined
  const url = URL.parse(text, anyOrigin)
  if (url === null || url.origin !== anyOrigin || url.username !== '' || url.password !== '') return undefined
  const path = `${url.pathname}${url.search}${url.hash}`
  return path.startsWith('//') || path.length > resumePathMaxLength ? undefined : path
}
