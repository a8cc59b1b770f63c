import { describe, expect, test } from 'vitest'
import { isAllowedByEgress, isHostAndPort, isLoopbackHost, parseNetwork } from '#config/networks.ts'

describe('networks', () => {
  test.for(['10.0.0.0/8', '192.168.1.5', '0.0.0.0/0', 'fd00::/8', '::1', '::/0'])(
    '%s is a network',
    (text) => {
      expect(parseNetwork(text)).toBeDefined()
    },
  )

  test.for([
    '10.0.0.0/33',
    '10.0.0/8',
    'fd00::/129',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    'localhost',
    '',
  ])('%j is not', (text) => {
    expect(parseNetwork(text)).toBeUndefined()
  })

  test.for(['wiki:8080', '10.0.0.1:80', '[fd00::1]:443'])('%s is host and port', (text) => {
    expect(isHostAndPort(text)).toBe(true)
  })

  test.for(['wiki', 'wiki:0', 'wiki:70000', 'fd00::1:443', '[wiki]:80', 'http://wiki:80', ':80'])(
    '%s is not',
    (text) => {
      expect(isHostAndPort(text)).toBe(false)
    },
  )

  test.for(['localhost', 'gate.localhost', '127.0.0.1', '127.9.9.9', '[::1]'])('%s is loopback', (host) => {
    expect(isLoopbackHost(host)).toBe(true)
  })

  test.for(['localhost.example.com', '127.example.com', '128.0.0.1', '[::2]', '127.0.0.1.nip.io'])(
    '%s is not',
    (host) => {
      expect(isLoopbackHost(host)).toBe(false)
    },
  )

  test('egress allows an address in a named network and a named host and port, and nothing else', () => {
    const allow = ['10.0.0.0/8', 'wiki:8080', 'board:80']
    expect(isAllowedByEgress(new URL('http://10.1.2.3/x'), allow)).toBe(true)
    expect(isAllowedByEgress(new URL('http://wiki:8080/x'), allow)).toBe(true)
    expect(isAllowedByEgress(new URL('http://board/x'), allow)).toBe(true)
    expect(isAllowedByEgress(new URL('http://11.1.2.3/x'), allow)).toBe(false)
    expect(isAllowedByEgress(new URL('http://wiki:8081/x'), allow)).toBe(false)
    expect(isAllowedByEgress(new URL('https://board/x'), allow)).toBe(false)
  })
})
