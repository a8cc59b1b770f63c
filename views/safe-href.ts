/**
 * The address as it may stand in a link, or `undefined` when it may not: http, https, and paths of our own.
 * `javascript:`, `data:` and `//elsewhere` have no place here. Control characters and backslashes are refused
 * because browsers drop or rewrite them before reading the scheme.
 */
export function safeHref(address: string | undefined): string | undefined {
  if (address === undefined || address === '' || hasTraps(address)) return undefined
  if (address.startsWith('/')) return address.startsWith('//') ? undefined : address
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return undefined
  return address
}

function hasTraps(address: string): boolean {
  return [...address].some((character) => character <= ' ' || character === '\u007f' || character === '\\')
}
