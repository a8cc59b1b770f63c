/** The looks that the sample models share. */
import type { Appearance } from './appearance.ts'

export const sampleAppearance: Appearance = { name: 'Gatehouse', themePath: '/assets/theme.css' }

/** Thursday 12 March 2026, 17:20 UTC: what the samples call now. */
export const sampleNow: number = Date.UTC(2026, 2, 12, 17, 20)
