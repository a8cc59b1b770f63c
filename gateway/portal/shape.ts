import type { ZodType } from 'zod'
import { GatewayError } from '../kernel/errors.ts'

/** A posted JSON value in the shape a route expects; anything else is refused without saying what was wrong with it. */
export function readShape<Shape>(schema: ZodType<Shape>, value: unknown): Shape {
  const read = schema.safeParse(value)
  if (read.success) return read.data
  throw new GatewayError('input_invalid', 'That request was not understood.', { cause: read.error })
}
