/**
 * What kind of place an address is. Pure.
 *
 * IPv4 by the IANA special-purpose registry; IPv6 the other way round: only global unicast is public, so what is assigned tomorrow
 * is refused until somebody thinks about it. An IPv4 address inside an IPv6 one counts as what it leads to.
 */
import { BlockList } from 'node:net'
import ipaddr from 'ipaddr.js'

/** CommonJS: Node finds no named exports in it. */
const { IPv4, IPv6, isValid, parse } = ipaddr

export type AddressKind = 'public' | 'loopback' | 'unspecified' | 'special-use'

const specialIPv4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private use
  '100.64.0.0/10', // carrier-grade NAT
  '169.254.0.0/16', // link-local, among it the metadata service of clouds
  '172.16.0.0/12', // private use
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relay anycast, deprecated
  '192.168.0.0/16', // private use
  '198.18.0.0/15', // benchmarking
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and the broadcast address
]
const publicIPv6 = ['2000::/3', '64:ff9b::/96']
const specialIPv6 = [
  '2001::/23', // protocol assignments: Teredo, benchmarking, ORCHID
  '2001:db8::/32', // documentation
  '3fff::/20', // documentation
]

const special = networksOf([...specialIPv4, ...specialIPv6])
const global = networksOf(publicIPv6)

/** A list that answers for addresses of both families. Entries are CIDRs or single addresses; what is neither is left out. */
export function networksOf(entries: readonly string[]): BlockList {
  const networks = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/')
    if (!isValid(address)) continue
    const kind = parse(address).kind()
    networks.addSubnet(address, prefix === undefined ? (kind === 'ipv4' ? 32 : 128) : Number(prefix), kind)
  }
  return networks
}

export function isIn(networks: BlockList, address: string): boolean {
  return networks.check(address, parse(address).kind())
}

/** The same address in its one spelling: an IPv4-mapped IPv6 address is that IPv4 address, a zone is dropped. */
export function canonicalAddress(address: string): string {
  if (!address.includes(':')) return parse(address).toString()
  // The URL parser spells IPv6 one way; ipaddr.js alone would take the dead form `::1.2.3.4` for the IPv4 address 1.2.3.4.
  const [withoutZone = ''] = address.split('%')
  const parsed = IPv6.parse(new URL(`http://[${withoutZone}]`).hostname.slice(1, -1))
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : parsed.toString()
}

/** What a canonical address is. */
export function kindOf(address: string): AddressKind {
  const parsed = parse(address)
  if (parsed.range() === 'loopback') return 'loopback'
  if (parsed.range() === 'unspecified') return 'unspecified'
  if (isIn(special, address)) return 'special-use'
  if (parsed instanceof IPv4) return 'public'
  if (!isIn(global, address)) return 'special-use'
  const embedded = embeddedIPv4(parsed)
  return embedded === undefined || kindOf(embedded) === 'public' ? 'public' : 'special-use'
}

/** The IPv4 address that a translator (NAT64, RFC 6052) or a tunnel (6to4, RFC 3056) would go on to. */
function embeddedIPv4(address: ipaddr.IPv6): string | undefined {
  const bytes = address.toByteArray()
  const range = address.range()
  if (range === 'rfc6052') return new IPv4(bytes.slice(12, 16)).toString()
  if (range === '6to4') return new IPv4(bytes.slice(2, 6)).toString()
  return undefined
}
