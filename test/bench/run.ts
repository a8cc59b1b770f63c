/**
 * `npm run bench`: what the gateway costs beside the bare thing, in one run, taking turns round by round. A word and a number choose:
 * `npm run bench -- requests 7`, `npm run bench -- logout`. On a quiet machine; wall-clock times move by a factor of four on a busy one.
 */
import { benchLogout } from './logout.ts'
import { benchRequests } from './requests.ts'

const benchmarks = { requests: benchRequests, logout: benchLogout }
const chosen = process.argv.slice(2)
/** Rounds that count; an odd number has a median. */
const rounds = Number(chosen.find((word) => /^\d+$/.test(word)) ?? 5)
const named = Object.entries(benchmarks).filter(([name]) => chosen.includes(name))

for (const [, bench] of named.length > 0 ? named : Object.entries(benchmarks))
  await bench((line) => process.stdout.write(`${line}\n`), rounds)
