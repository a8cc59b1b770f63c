/**
 * Whether an address lies in a network, as SQLite is taught it. Another engine has its own word for this (Postgres: `inet <<= cidr`);
 * whoever asks names only `addressWithin`.
 */
import { BlockList, isIP } from 'node:net'
import type Sqlite from 'better-sqlite3'
import { type ExpressionWrapper, type RawBuilder, type SqlBool, sql } from 'kysely'

/** The condition that the address in `column` lies in `network`, such as `192.0.2.0/24`. */
export function addressWithin(
  column: ExpressionWrapper<never, never, string> | RawBuilder<string>,
  network: string,
): RawBuilder<SqlBool> {
  return sql<SqlBool>`address_within(${column}, ${network}) = 1`
}

/** Teaches a connection the function. */
export function registerAddressWithin(sqlite: Sqlite.Database): void {
  // One statement asks about one network for every row, so the last one is kept as it was read.
  let network: string | undefined
  let list = new BlockList()
  let holdsIpv4 = false
  sqlite.function('address_within', { deterministic: true }, (address: unknown, within: unknown) => {
    if (typeof address !== 'string' || typeof within !== 'string') return 0
    if (within !== network) {
      list = listOf(within)
      holdsIpv4 = mayHoldIpv4(within)
      network = within
    }
    const version = isIP(address)
    if (version === 4 && !holdsIpv4) return 0
    return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4') ? 1 : 0
  })
}

/**
 * Addresses are stored without IPv4 inside IPv6. Node looks for them there all the same, so that `::/0` would be everybody: only a network
 * that lies in ::ffff:0:0/96 (RFC 4291 section 2.5.5.2) means some of them.
 */
function mayHoldIpv4(network: string): boolean {
  const [address = '', prefix = '128'] = network.split('/')
  return isIP(address) !== 6 || Number(prefix) >= 96
}

function listOf(network: string): BlockList {
  const [address = '', prefix] = network.split('/')
  const version = isIP(address)
  const list = new BlockList()
  if (version === 0) return list
  const longest = version === 6 ? 128 : 32
  list.addSubnet(address, prefix === undefined ? longest : Number(prefix), version === 6 ? 'ipv6' : 'ipv4')
  return list
}
