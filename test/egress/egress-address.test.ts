import { describe, expect, test } from 'vitest'
import { canonicalAddress, kindOf } from '#adapters/egress-address.ts'
import { createEgressPolicy } from '#adapters/egress-policy.ts'

describe('what kind of place an address is', () => {
  test.for([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['10.0.0.1', 'special-use'],
    ['100.64.0.1', 'special-use'],
    ['169.254.169.254', 'special-use'],
    ['172.16.0.1', 'special-use'],
    ['172.31.255.255', 'special-use'],
    ['192.168.1.1', 'special-use'],
    ['192.0.0.8', 'special-use'],
    ['192.0.2.1', 'special-use'],
    ['198.18.0.1', 'special-use'],
    ['198.51.100.1', 'special-use'],
    ['203.0.113.1', 'special-use'],
    ['224.0.0.1', 'special-use'],
    ['240.0.0.1', 'special-use'],
    ['255.255.255.255', 'special-use'],
    ['fe80::1', 'special-use'],
    ['fe80::1%eth0', 'special-use'],
    ['fc00::1', 'special-use'],
    ['fd12:3456::1', 'special-use'],
    ['fec0::1', 'special-use'],
    ['ff02::1', 'special-use'],
    ['100::1', 'special-use'],
    ['2001::1', 'special-use'],
    ['2001:db8::1', 'special-use'],
    ['3fff::1', 'special-use'],
    ['5f00::1', 'special-use'],
    ['64:ff9b:1::1', 'special-use'],
  ] as const)('%s is %s', ([address, kind]) => {
    expect(kindOf(canonicalAddress(address))).toBe(kind)
  })

  test.for([
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:169.254.169.254', 'special-use'],
    ['::127.0.0.1', 'special-use'],
    ['64:ff9b::10.0.0.1', 'special-use'],
    ['64:ff9b::7f00:1', 'special-use'],
    ['2002:7f00:1::', 'special-use'],
    ['2002:a9fe:a9fe::1', 'special-use'],
  ] as const)('%s, an IPv4 address inside an IPv6 one, is %s as what it leads to', ([address, kind]) => {
    expect(kindOf(canonicalAddress(address))).toBe(kind)
  })

  test.for([
    '1.1.1.1',
    '9.255.255.255',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00:1450:4001::1',
    '::ffff:1.1.1.1',
    '64:ff9b::1.1.1.1',
    '2002:101:101::1',
  ])('%s is public', (address) => {
    expect(kindOf(canonicalAddress(address))).toBe('public')
  })
})

describe('where the gateway may connect to', () => {
  const secure = { hostname: 'app.example', port: 443, secure: true }
  const plain = { hostname: 'app.example', port: 80, secure: false }
  const strict = createEgressPolicy({ allow: [], allowLoopback: false })

  test('a public address over https is open', () => {
    expect(strict.refusal(secure, '1.1.1.1')).toBeUndefined()
  })

  test('plain http to a public address is refused', () => {
    expect(strict.refusal(plain, '1.1.1.1')).toContain('plain http')
  })

  test('loopback is open only while the issuer is on loopback', () => {
    const lenient = createEgressPolicy({ allow: [], allowLoopback: true })
    expect(strict.refusal(plain, '127.0.0.1')).toContain('loopback')
    expect(lenient.refusal(plain, '127.0.0.1')).toBeUndefined()
    expect(lenient.refusal(plain, '::ffff:127.0.0.1')).toBeUndefined()
    expect(lenient.refusal(plain, '10.0.0.1')).toContain('special-use')
  })

  test('an allowed network opens its addresses, for plain http too, and no others', () => {
    const policy = createEgressPolicy({ allow: ['10.1.0.0/16', 'fd00::/8'], allowLoopback: false })
    expect(policy.refusal(plain, '10.1.2.3')).toBeUndefined()
    expect(policy.refusal(plain, '::ffff:10.1.2.3')).toBeUndefined()
    expect(policy.refusal(plain, 'fd00::5')).toBeUndefined()
    expect(policy.refusal(plain, '10.2.0.1')).toContain('special-use')
  })

  test('N-173: an allowed host and port opens that host on that port only', () => {
    const policy = createEgressPolicy({ allow: ['Wiki.internal:8080'], allowLoopback: false })
    const wiki = { hostname: 'wiki.internal', port: 8080, secure: false }
    expect(policy.refusal(wiki, '10.0.0.7')).toBeUndefined()
    expect(policy.refusal({ ...wiki, port: 8081 }, '10.0.0.7')).toContain('special-use')
    expect(policy.refusal({ ...wiki, hostname: 'mail.internal' }, '10.0.0.7')).toContain('special-use')
  })

  test('N-171: the gateway does not call its own listeners, whatever is allowed', () => {
    const policy = createEgressPolicy({
      allow: ['0.0.0.0/0', '::/0', 'sso.example:443', 'localhost:3000'],
      allowLoopback: true,
    })
    policy.refuseListeners([
      { host: '127.0.0.1', port: 3000 },
      { host: '::', port: 3100 },
      { host: 'sso.example', port: 443 },
    ])
    const at = (hostname: string, port: number) => ({ hostname, port, secure: port === 443 })
    const itself = 'the gateway does not call itself'
    expect(policy.refusal(at('localhost', 3000), '127.0.0.1')).toBe(itself)
    expect(policy.refusal(at('rebound.example', 3000), '::ffff:127.0.0.1')).toBe(itself)
    expect(policy.refusal(at('0.0.0.0', 3000), '0.0.0.0')).toBe(itself)
    expect(policy.refusal(at('localhost', 3100), '127.0.0.5')).toBe(itself)
    expect(policy.refusal(at('sso.example', 443), '1.1.1.1')).toBe(itself)
    expect(policy.refusal(at('localhost', 3001), '127.0.0.1')).toBeUndefined()
  })
})
