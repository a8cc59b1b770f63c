/** Words for every failure that can reach a person: what happened, and what to do next. */
import type { Appearance } from '#views/appearance.ts'
import { toText } from '#views/html.ts'
import { errorPage } from '#views/pages/error.ts'
import type { Problem, RenderProblem } from '../http/problems.ts'
import type { ErrorCode } from '../kernel/errors.ts'

interface Words {
  readonly heading: string
  readonly advice: string
  readonly startAgain?: { readonly href: string; readonly words: string }
}

const toStart = { href: '/', words: 'Go to the start page' }
const again = { href: '/', words: 'Try again' }

const unusual: Words = {
  heading: 'That did not work',
  advice: 'Go back and try once more.',
  startAgain: toStart,
}
const ours: Words = {
  heading: 'We cannot do this right now',
  advice: 'Try again in a minute. You are still signed in where you were.',
  startAgain: again,
}

const words: Partial<Record<ErrorCode, Words>> = {
  not_found: {
    heading: 'There is nothing here',
    advice: 'Check the address for typing mistakes.',
    startAgain: toStart,
  },
  method_not_allowed: {
    heading: 'This does not work from here',
    advice: 'Go to the start page and take it from there.',
    startAgain: toStart,
  },
  cross_site_request: {
    heading: 'That came from another site',
    advice: 'If it was you who wanted it, do it on our own pages. If not, nothing has happened.',
    startAgain: toStart,
  },
  csrf_token_invalid: {
    heading: 'This page has expired',
    advice: 'Nothing was changed. If it happens again, allow cookies for this site.',
    startAgain: toStart,
  },
  page_expired: {
    heading: 'This page has expired',
    advice: 'Start again; it takes a moment.',
    startAgain: { href: '/sign-in', words: 'Start again' },
  },
  logout_not_found: {
    heading: 'Nothing to show here',
    advice: 'Your account page tells which sessions have ended.',
    startAgain: toStart,
  },
  app_not_found: {
    heading: 'This app is not available',
    advice: 'Ask whoever runs it.',
    startAgain: toStart,
  },
  account_disabled: { heading: 'Your account is disabled', advice: 'Ask whoever runs this gateway.' },
  payload_too_large: { heading: 'That is too much', advice: 'Go back and send less.' },
  input_invalid: unusual,
  throttled: { heading: 'Too many tries', advice: 'Wait a few minutes, then try again.' },
  internal: {
    heading: 'Something went wrong',
    advice: 'It is our fault, not yours. Try once more; if it happens again, tell whoever runs this gateway.',
    startAgain: again,
  },
  busy: { heading: 'Busy right now', advice: 'Wait a moment and try again.', startAgain: again },
  store_unavailable: ours,
  store_full: ours,
  forbidden: {
    heading: 'This is not for you',
    advice: 'Ask whoever runs this gateway if you think it should be.',
    startAgain: toStart,
  },
}

/** The renderer that http/problems is given. */
export function createProblemPage(appearance: Appearance): RenderProblem {
  return (problem: Problem) => {
    const { heading, advice, startAgain } = words[problem.code] ?? unusual
    const { message, requestId: id, cameFrom } = problem
    const back =
      cameFrom === undefined ? startAgain : { href: cameFrom.href, words: `Back to ${cameFrom.name}` }
    return toText(errorPage({ appearance, heading, message, advice, id, startAgain: back }))
  }
}
