import { BlockList, isIP } from 'node:net'

export interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** `10.0.0.0/8`, `fd00::/8`, or one address, which is a network of its own; undefined for anything else. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return undefined
  const longest = version === 4 ? 32 : 128
  if (prefix !== undefined && !/^(0|[1-9][0-9]{0,2})$/.test(prefix)) return undefined
  const length = prefix === undefined ? longest : Number(prefix)
  if (length > longest) return undefined
  return { address, prefix: length, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/** `host:port` with a name or an address (IPv6 in brackets) and a port from 1 to 65535. */
export function isHostAndPort(text: string): boolean {
  const [, host, port] = /^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([1-9][0-9]{0,4})$/.exec(text) ?? []
  if (host === undefined || Number(port) > 65_535) return false
  return !host.startsWith('[') || isIP(host.slice(1, -1)) === 6
}

/** Whether a host as `URL.hostname` gives it names this machine and nothing else (RFC 6761 section 6.3, RFC 8252). */
export function isLoopbackHost(hostname: string): boolean {
  if (hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]') return true
  return isIP(hostname) === 4 && hostname.startsWith('127.')
}

/** The address of a host as `URL.hostname` gives it, without brackets; undefined for a name. */
export function addressOf(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return isIP(bare) === 0 ? undefined : bare
}

/** Whether `allow` names the URL: its `host:port` as written, or a network that holds its address. Names are not looked up. */
export function isAllowedByEgress(url: URL, allow: readonly string[]): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  if (allow.some((entry) => entry.toLowerCase() === `${url.hostname}:${port}`)) return true
  const address = addressOf(url.hostname)
  if (address === undefined) return false
  const networks = new BlockList()
  for (const network of allow.map(parseNetwork)) {
    if (network !== undefined) networks.addSubnet(network.address, network.prefix, network.family)
  }
  return networks.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}
