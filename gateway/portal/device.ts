/**
 * A User-Agent header in words a person knows their device by: "Firefox on Windows".
 *
 * A table, first match wins, because nearly every browser claims to be several others. Only words from the table are shown, never
 * the header itself: it is the visitor's to choose (N-184).
 */
type Rules = readonly (readonly [pattern: RegExp, words: string])[]

const browsers: Rules = [
  [/\b(?:Edg|EdgA|EdgiOS)\//, 'Edge'],
  [/\b(?:OPR|Opera|OPiOS|OPX)\b/, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bDuckDuckGo\/|\bDdg\//, 'DuckDuckGo'],
  [/\bYaBrowser\//, 'Yandex Browser'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//, 'Chrome'],
  [/\bVersion\/[\d.]+ .*Safari\//, 'Safari'],
  [/^curl\//, 'curl'],
]

const systems: Rules = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows (?:NT|Phone)\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac ?OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
]

const handhelds = new Set(['iPhone', 'iPad', 'Android'])

/** Headers are cut before they are stored; this holds whatever was stored. */
const maxLength = 512

/** "Firefox on Windows", or as much of it as the header tells. */
export function deviceWords(userAgent: string): string {
  const text = userAgent.slice(0, maxLength)
  const browser = find(browsers, text)
  const system = find(systems, text)
  if (browser === undefined) return system === undefined ? 'Unknown device' : `A browser on ${system}`
  return system === undefined ? browser : `${browser} on ${system}`
}

/** Whether it is a phone or a tablet. */
export function isHandheld(userAgent: string): boolean {
  return handhelds.has(find(systems, userAgent.slice(0, maxLength)) ?? '')
}

function find(rules: Rules, text: string): string | undefined {
  return rules.find(([pattern]) => pattern.test(text))?.[1]
}
