/** What is to become of telling an app: by channel and by how the app is, with the browser's help and without. */
import type { Channel } from '#gateway/logout/delivery.ts'
import type { ReportState } from '#gateway/logout/report.ts'
import type { AppState, ChannelSetting } from './apps.ts'

/** How one delivery stands, and what is said of it. `…` stands for how long. */
export interface Standing {
  readonly state: ReportState
  readonly reason?: string
  /** What the person reads; the instant until which its session may last follows where the words end in "until". */
  readonly person: string
  readonly operators: string
}

export interface Outcome {
  /** The end of the test's title. */
  readonly words: string
  readonly channel: Channel
  /** What its attempts bring, one after the other; the same several times in a row is written once. */
  readonly attempts: readonly (number | 'connect-failed' | 'timeout')[]
  /** How many attempts there are in the end, where that is certain. */
  readonly attemptsInTheEnd?: number
  /** Whether what is sent arrives at the app. */
  readonly arrives: boolean
  /** When every app has been asked once. */
  readonly first: Standing
  /** In the end. */
  readonly last: Standing
}

const lastsUntil = 'Its session may last until'
const ownLastsUntil = 'Its own session may last until'

const confirmedWords: Standing = { state: 'confirmed', person: 'Signed out', operators: 'Confirmed.' }

function untold(reason: string): Standing {
  return {
    state: 'cannot-be-told',
    reason,
    person: `Could not be told: ${reason}. ${lastsUntil}`,
    operators: `Cannot be told: ${reason}. ${ownLastsUntil}`,
  }
}

function retrying(why: string, reason?: string): Standing {
  return {
    state: 'retrying',
    ...(reason === undefined ? {} : { reason }),
    person: 'Not confirmed yet. Will keep trying (next in …)',
    operators: `Not confirmed yet: ${why}. Next try in ….`,
  }
}

/** Told by the gateway. */
const confirmed: Outcome = {
  words: 'one logout token, confirmed',
  channel: 'back-channel',
  attempts: [200],
  attemptsInTheEnd: 1,
  arrives: true,
  first: confirmedWords,
  last: confirmedWords,
}
const unreachable: Outcome = {
  words: 'no logout token arrives, and it goes on being asked',
  channel: 'back-channel',
  attempts: ['connect-failed'],
  arrives: false,
  first: retrying('connect-failed: ECONNREFUSED connect ECONNREFUSED 127.0.0.1:2'),
  // Its breaker is open.
  last: retrying('it could not be reached', 'it could not be reached'),
}
const inTimeLater: Outcome = {
  words: 'no answer in time, asked again, and confirmed once it answers',
  channel: 'back-channel',
  attempts: ['timeout', 200],
  arrives: true,
  first: retrying('timeout: no answer within 1000 ms'),
  last: confirmedWords,
}
const refused: Outcome = {
  words: 'its no is taken for one after five times',
  channel: 'back-channel',
  attempts: [403],
  attemptsInTheEnd: 5,
  arrives: true,
  first: retrying('it answered 403'),
  last: {
    state: 'refused',
    reason: 'it answered 403',
    person: `Refused: it answered 403. ${lastsUntil}`,
    operators: `Refused: it answered 403. ${ownLastsUntil}`,
  },
}

/** Told through the browser, which does not know what the app made of it. */
const sentWords: Standing = {
  state: 'sent',
  person: `Asked through this browser, not confirmed. ${lastsUntil}`,
  operators: `Sent to the browser; nobody can confirm it. ${ownLastsUntil}`,
}
const sent: Outcome = {
  words: 'one frame loads, asked and not confirmed',
  channel: 'front-channel',
  attempts: [],
  arrives: true,
  first: sentWords,
  last: sentWords,
}
const sentNowhere: Outcome = { ...sent, words: 'no frame arrives, asked and not confirmed', arrives: false }
const sentInVain: Outcome = { ...sent, words: 'its frame is refused, asked and not confirmed' }
const neverLoaded: Outcome = {
  words: 'its frame never loads, and in the end it could not be told',
  channel: 'front-channel',
  attempts: [],
  arrives: true,
  first: {
    state: 'waiting',
    person: 'Asking through this browser',
    operators: 'Waiting for the browser.',
  },
  last: untold('the browser was closed before it was told'),
}

/** Not told. */
function notTold(channel: Channel, words: string, reason: string): Outcome {
  const standing = untold(reason)
  return { words, channel, attempts: [], arrives: false, first: standing, last: standing }
}
const noBrowser = notTold(
  'front-channel',
  'nothing arrives, it cannot be told, its session may last 8 h',
  'only the browser could tell it, and had no part in this',
)
const noWay = notTold(
  'none',
  'nothing arrives, it cannot be told, its session may last 8 h',
  'it offers no way to tell it',
)

type Outcomes = Readonly<Record<ChannelSetting, Readonly<Record<AppState, readonly [Outcome, ...Outcome[]]>>>>

const byGateway = { up: [confirmed], down: [unreachable], slow: [inTimeLater], refusing: [refused] } as const
const byNothing = { up: [noWay], down: [noWay], slow: [noWay], refusing: [noWay] } as const

/** Each delivery of an app, by whether the browser of the session has a part in its end. */
export const outcomes: Readonly<Record<'browser' | 'none', Outcomes>> = {
  browser: {
    'back-channel': byGateway,
    'front-channel': { up: [sent], down: [sentNowhere], slow: [neverLoaded], refusing: [sentInVain] },
    both: {
      up: [confirmed, sent],
      down: [unreachable, sentNowhere],
      slow: [inTimeLater, neverLoaded],
      refusing: [refused, sentInVain],
    },
    none: byNothing,
  },
  none: {
    'back-channel': byGateway,
    'front-channel': { up: [noBrowser], down: [noBrowser], slow: [noBrowser], refusing: [noBrowser] },
    both: byGateway,
    none: byNothing,
  },
}
