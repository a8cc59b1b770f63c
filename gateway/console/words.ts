import type { Said } from './operators.ts'

/** What became of "retry now"; `of` says of which. */
export function retriedWords(count: number, of: string): Said {
  if (count === 0) {
    return {
      kind: 'done',
      words: `Nothing${of} was left to bring forward: whatever waits is being sent now.`,
    }
  }
  const deliveries = `${count.toLocaleString('en')} ${count === 1 ? 'delivery' : 'deliveries'}`
  return { kind: 'done', words: `${deliveries}${of} ${count === 1 ? 'is' : 'are'} being sent again.` }
}
