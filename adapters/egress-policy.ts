/**
 * Where the gateway may connect to (DECISIONS 43). Asked with the address that is about to be used, not with a name that may lead
 * somewhere else the next time it is looked up.
 */
import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import { canonicalAddress, isIn, kindOf, networksOf } from './egress-address.ts'

export interface EgressRules {
  /** CIDRs, addresses and `host:port` that may be called although they are special-use addresses or plain http. */
  readonly allow: readonly string[]
  /** True while the issuer itself is on loopback: apps on this machine may then be told. */
  readonly allowLoopback: boolean
}

export interface Target {
  /** As `URL.hostname` gives it, without brackets. */
  readonly hostname: string
  readonly port: number
  readonly secure: boolean
}

/** A host, by name or address, and a port of the gateway's own. */
export interface OwnListener {
  readonly host: string
  readonly port: number
}

export interface EgressPolicy {
  /** Why `target` may not be called at `address`; undefined when it may. */
  refusal(target: Target, address: string): string | undefined
  /** Replaces the list of the gateway's own listeners. They are refused whatever is allowed. */
  refuseListeners(listeners: readonly OwnListener[]): void
}

/** Creates the policy. */
export function createEgressPolicy(rules: EgressRules): EgressPolicy {
  const networks = networksOf(rules.allow)
  const hosts = new Set(rules.allow.map((entry) => entry.toLowerCase()))
  let own: readonly OwnListener[] = []

  return {
    refusal: (target, rawAddress) => {
      const address = canonicalAddress(rawAddress)
      if (own.some((listener) => isListener(listener, target, address)))
        return 'the gateway does not call itself'
      if (hosts.has(hostAndPort(target)) || isIn(networks, address)) return undefined
      const kind = kindOf(address)
      if (kind === 'loopback' && rules.allowLoopback) return undefined
      if (kind !== 'public') return `${address} is a ${kind} address that egress.allow does not name`
      return target.secure ? undefined : 'plain http is only for addresses that egress.allow names'
    },
    refuseListeners: (listeners) => {
      own = listeners
    },
  }
}

function hostAndPort({ hostname, port }: Target): string {
  return `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`
}

/** Connecting to "any address" connects to this machine, and a listener on "any address" is on each of its own. */
function isListener(listener: OwnListener, target: Target, address: string): boolean {
  if (listener.port !== target.port) return false
  const kind = kindOf(address)
  const host = listener.host.toLowerCase()
  if (!ipaddr.isValid(host)) return host === target.hostname || (host === 'localhost' && kind === 'loopback')
  const listening = canonicalAddress(host)
  if (listening === address || kind === 'unspecified') return true
  return kindOf(listening) === 'unspecified' && (kind === 'loopback' || isOfThisMachine(address))
}

function isOfThisMachine(address: string): boolean {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return interfaces.some((own) => canonicalAddress(own.address) === address)
}
