/** What every page under /console has around it. */
import { type Html, html, type Renderable } from './html.ts'
import { type FormPageModel, signedInPage } from './layout.ts'
import { doneNote, plainNote, problemNote } from './parts.ts'

export interface ConsolePageModel extends FormPageModel {
  readonly now: number
  /** The operator's name, or the address where there is none. */
  readonly personName: string
  /** Present when the last proof is too old for changes: own path that asks for a fresh one and comes back here. */
  readonly confirmPath?: string | undefined
  /** What became of what was just done. */
  readonly said?: { readonly kind: 'done' | 'problem'; readonly words: string } | undefined
}

interface ConsoleParts {
  readonly title: string
  /** Under the title. */
  readonly sub?: Renderable
  /** Where one came from. */
  readonly back?: { readonly href: string; readonly words: string }
  /** Beside the title. */
  readonly acts?: Renderable
  readonly main: Html
  readonly live?: boolean
  readonly reload?: { readonly seconds: number } | undefined
}

/** The page. */
export function consolePage(model: ConsolePageModel, parts: ConsoleParts): Html {
  const { back, acts, sub } = parts
  const { said } = model
  return signedInPage({
    appearance: model.appearance,
    title: parts.title,
    csrf: model.csrf,
    personName: model.personName,
    here: 'console',
    isOperator: true,
    script: parts.live === true ? 'sign-out.js' : undefined,
    more: { style: 'console.css', script: parts.live === true ? 'console.js' : undefined },
    reload: parts.reload,
    main: html`${back !== undefined && html`<p class="back"><a href="${back.href}">← ${back.words}</a></p>`}
<div class="page-head console-head"><div><h1>${parts.title}</h1>${
      sub !== undefined && html`<p class="page-sub">${sub}</p>`
    }</div>${acts !== undefined && html`<div class="head-acts">${acts}</div>`}</div>
${said !== undefined && (said.kind === 'done' ? doneNote(said.words) : problemNote(said.words))}${
  model.confirmPath !== undefined &&
  plainNote(html`<p>It has been a while since you proved that it is you. Do so before you change anything here.</p>
<a class="button-secondary button-small" href="${model.confirmPath}">Confirm it’s you</a>`)
}
${parts.main}`,
  })
}
