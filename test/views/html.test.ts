import { describe, expect, test } from 'vitest'
import { html, raw, toText } from '#views/html.ts'
import { safeHref } from '#views/safe-href.ts'

const corpus = [
  '<script>alert(1)</script>',
  '"><script>alert(1)</script>',
  "'><img src=x onerror=alert(1)>",
  '" onmouseover="alert(1)',
  "' autofocus onfocus='alert(1)",
  '</title><svg/onload=alert(1)>',
  '<!--<img src="--><img src=x onerror=alert(1)//">',
  '<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;">',
  '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '<a href="javascript:alert(1)">x</a>',
  '`onmouseover=alert(1)`',
  '\u0000<script>alert(1)</script>',
  '<\u0073cript>alert(1)</script>',
]

const badAddresses = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  ' javascript:alert(1)',
  'java\tscript:alert(1)',
  'java\nscript:alert(1)',
  '\u0001javascript:alert(1)',
  'javascript&colon;alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'blob:https://example.com/1',
  '//evil.example/',
  '/\\evil.example/',
  '\\\\evil.example/',
  '/\t/evil.example/',
  'https:evil.example',
  'https://',
  'http:///',
  'wiki.example.com',
  '#top',
  '',
]

describe('the html tag', () => {
  test.for(corpus)('lets nothing of %j through in text', (attack) => {
    const inside = toText(html`<p>${attack}</p>`).slice('<p>'.length, -'</p>'.length)
    expect(inside).not.toMatch(/[<>"'`]/)
  })

  test.for(corpus)('lets nothing of %j through in an attribute', (attack) => {
    const inside = toText(html`<p title="${attack}">`).slice('<p title="'.length, -'">'.length)
    expect(inside).not.toMatch(/[<>"'`]/)
  })

  test.for(badAddresses)('drops the address %j wherever a browser would follow it', (address) => {
    expect(toText(html`<a href="${address}">x</a>`)).toBe('<a href="#">x</a>')
    expect(toText(html`<img src="${address}">`)).toBe('<img src="#">')
    expect(toText(html`<form action="${address}">`)).toBe('<form action="#">')
    expect(toText(html`<button formaction="${address}">`)).toBe('<button formaction="#">')
  })

  test('passes markup made by itself, joins lists and leaves nothing for undefined and false', () => {
    const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`)
    expect(toText(html`<ul>${items}</ul>${undefined}${false}${0}`)).toBe(
      '<ul><li>a</li><li>&lt;b&gt;</li></ul>0',
    )
  })

  test('does not take an object for markup because it looks like some', () => {
    const forged = JSON.parse('{"markup":"<script>","Symbol(html)":"<script>"}') as never
    expect(() => html`<p>${forged}</p>`).toThrow(TypeError)
  })

  test('refuses a template whose attribute is not quoted', () => {
    expect(() => html`<p title=${'x'}>`).toThrow(/quote/)
    expect(() => html`<p title= ${'x'}>`).toThrow(/quote/)
  })

  test('refuses a value where a tag is named', () => {
    expect(() => html`<${'p'}>`).toThrow(TypeError)
    expect(() => html`</${'p'}>`).toThrow(TypeError)
  })

  test('does not escape a constant of ours twice', () => {
    expect(toText(html`${html`${raw('<br>')}`}`)).toBe('<br>')
  })
})

describe('a safe address', () => {
  test.for([
    'https://wiki.example.com/',
    'http://localhost:4001/start?a=1#b',
    'HTTPS://wiki.example.com/',
    '/account',
    '/sign-in?switch=1',
    '/',
  ])('keeps %s as it is', (address) => {
    expect(safeHref(address)).toBe(address)
  })

  test.for(badAddresses)('leaves out %j', (address) => {
    expect(safeHref(address)).toBeUndefined()
  })

  test('of nothing is nothing', () => {
    expect(safeHref(undefined)).toBeUndefined()
  })
})
