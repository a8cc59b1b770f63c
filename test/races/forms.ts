/**
 * Each race is run twice. One synchronous SQLite process hides races; statements that await at random bring them back, as a database
 * over a network would (DECISIONS 34).
 */
export const forms = [
  { form: 'one statement after the other', options: {} },
  { form: 'statements that await at random', options: { seed: 41 } },
] as const
