/**
 * Reads what a browser posts, bounded in size, number and time.
 *
 * Owns: which bodies are understood at all. Never: a best guess. What is not exactly a form or exactly JSON is refused, because
 * every parser that guesses has been used to smuggle a field past a check.
 */
import type { Context } from 'koa'
import { secondMs } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'

export type Form = ReadonlyMap<string, string>

/** The largest thing posted is a passkey's attestation, a few KB. */
const maxBytes = 64 * 1024
/** The largest form of ours has about ten fields. */
const maxFields = 100
/** From the first byte to the last: a body that drips holds a socket, and there are only so many. */
const usualDurationMs = 10 * secondMs

/** Names that mean something to JavaScript itself (N-203). */
const reserved = new Set(['__proto__', 'constructor', 'prototype'])

/** The fields of an `application/x-www-form-urlencoded` body, each at most once. */
export async function readForm(ctx: Context, withinMs = usualDurationMs): Promise<Form> {
  requireType(ctx, 'application/x-www-form-urlencoded')
  return parseForm(await readText(ctx, withinMs))
}

/** The value of an `application/json` body. Its shape is the caller's to check. */
export async function readJson(ctx: Context): Promise<unknown> {
  requireType(ctx, 'application/json')
  return parseJson(await readText(ctx, usualDurationMs))
}

/** One field of a form; undefined when it is absent. */
export function parseForm(text: string): Form {
  const form = new Map<string, string>()
  if (text === '') return form
  for (const pair of text.split('&')) {
    const equals = pair.indexOf('=')
    const name = decode(equals === -1 ? pair : pair.slice(0, equals))
    // A field that comes twice has two readers sooner or later, and they disagree on which one counts.
    if (name === '' || reserved.has(name) || form.has(name) || form.size === maxFields) malformed()
    form.set(name, decode(equals === -1 ? '' : pair.slice(equals + 1)))
  }
  return form
}

/** JSON without names that reach into prototypes, at any depth. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (key: string, value: unknown) => {
      if (reserved.has(key)) malformed()
      return value
    })
  } catch (cause) {
    // Also a document nested so deep that the walk runs out of stack.
    throw cause instanceof GatewayError ? cause : inputInvalid(cause)
  }
}

function requireType(ctx: Context, wanted: string): void {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = ctx.req.headers
  const [essence = '', ...parameters] = type.toLowerCase().split(';')
  const plain = parameters.every((parameter) => /^\s*charset="?utf-8"?\s*$/.test(parameter))
  if (essence.trim() !== wanted || !plain || encoding !== 'identity') malformed()
}

async function readText(ctx: Context, withinMs: number): Promise<string> {
  const bytes = await readBytes(ctx, withinMs)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw inputInvalid(cause)
  }
}

function readBytes(ctx: Context, withinMs: number): Promise<Buffer> {
  const { req } = ctx
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) {
    req.resume()
    return Promise.reject(tooLarge(ctx))
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const stop = (error: GatewayError): void => {
      settle()
      // What still comes is read and dropped: closing on unread bytes would reset the connection before the answer is read.
      req.resume()
      reject(error)
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > maxBytes) stop(tooLarge(ctx))
      else chunks.push(chunk)
    }
    const onEnd = (): void => {
      settle()
      resolve(Buffer.concat(chunks))
    }
    const onBroken = (cause?: unknown): void =>
      stop(new GatewayError('cancelled', 'The connection was closed.', { cause }))
    const timer = setTimeout(() => {
      ctx.set('Connection', 'close')
      stop(new GatewayError('input_invalid', 'What was sent took too long to arrive.'))
    }, withinMs)
    const settle = (): void => {
      clearTimeout(timer)
      req.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken)
      // A connection that breaks later still reports here, and an error event without a listener ends the process.
      req.on('error', () => undefined)
    }
    req.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken)
  })
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    return decoded.includes('\0') ? malformed() : decoded
  } catch (cause) {
    throw cause instanceof GatewayError ? cause : inputInvalid(cause)
  }
}

function tooLarge(ctx: Context): GatewayError {
  // The rest of the body is not read, so the connection cannot carry another request.
  ctx.set('Connection', 'close')
  return new GatewayError('payload_too_large', 'That is more than this page accepts.')
}

function inputInvalid(cause?: unknown): GatewayError {
  return new GatewayError('input_invalid', 'That request was not understood.', { cause })
}

function malformed(): never {
  throw inputInvalid()
}
