import { parts } from './acts.ts'
import { testCause } from './cells.ts'

for (const cause of parts.byCommand) testCause(cause)
