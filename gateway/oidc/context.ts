import type { Context } from 'koa'
import { Provider } from 'oidc-provider'

/** The request that the engine is working on, in the asynchronous context of its own code. */
export function currentContext(): Context | undefined {
  return Provider.ctx as unknown as Context | undefined
}
