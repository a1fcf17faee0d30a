import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressGroup, clientAddress, parseAddress, parseNetwork, type TrustProxy } from '../../src/relay/address.ts'

describe('parseAddress', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    [' 203.0.113.7:4711 ', '203.0.113.7'],
    ['"203.0.113.7:4711"', '203.0.113.7'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['"[2001:db8::1]"', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:cb00:7107', '203.0.113.7'],
    ['::1', '::1'],
    ['256.0.0.1', undefined],
    ['1.2.3', undefined],
    ['1.2.3.4.', undefined],
    ['01.2.3.4', undefined],
    ['0x7f.1', undefined],
    ['2130706433', undefined],
    ['unknown', undefined],
    ['_hidden', undefined],
    ['2001:db8::1::2', undefined],
    ['example.com', undefined],
    ['', undefined],
    [':'.repeat(101), undefined],
    [undefined, undefined],
  ])('%s is %s', (text, expected) => {
    expect(parseAddress(text)).toBe(expected)
  })

  it('reads every address it wrote, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
        const address = parseAddress(text)
        if (address !== undefined) expect(parseAddress(address)).toBe(address)
      }),
    )
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => void expect(parseAddress(text)).toBeDefined()))
  })
})

describe('parseNetwork', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['0.0.0.0/0', '203.0.113.7', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/33', '2001:db8:ffff::1', false],
    ['::ffff:10.0.0.0', '10.0.0.0', true],
  ])('%s holds %s: %s', (network, address, expected) => {
    expect(parseNetwork(network)!(address)).toBe(expected)
  })

  it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'loopback', '2001:db8::/129', '10/8'])('refuses %s', (text) => {
    expect(parseNetwork(text)).toBeUndefined()
  })
})

describe('clientAddress', () => {
  const socket = '10.0.0.1'
  it.each<[string, TrustProxy, Record<string, string>, string | undefined]>([
    ['no proxy: headers do not count', 0, { 'x-forwarded-for': '203.0.113.7' }, socket],
    ['one proxy', 1, { 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7'],
    ['one proxy, client lies', 1, { 'x-forwarded-for': '1.1.1.1, 203.0.113.7' }, '203.0.113.7'],
    ['two proxies', 2, { 'x-forwarded-for': '203.0.113.7, 198.51.100.2' }, '203.0.113.7'],
    ['two proxies, one header', 2, { 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7'],
    ['a proxy without the header', 1, {}, socket],
    ['unreadable', 1, { 'x-forwarded-for': 'unknown' }, socket],
    ['unreadable behind a readable hop', 2, { 'x-forwarded-for': '<script>, 198.51.100.2' }, '198.51.100.2'],
    ['RFC 7239', 1, { forwarded: 'for=1.1.1.1, For="[2001:db8::7]:80";proto=https' }, '2001:db8::7'],
    ['RFC 7239, obfuscated', 1, { forwarded: 'for=_secret' }, socket],
    ['the older header wins', 1, { forwarded: 'for=1.1.1.1', 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7'],
    ['trusted network', ['10.0.0.0/8'], { 'x-forwarded-for': '1.1.1.1, 203.0.113.7, 10.9.9.9' }, '203.0.113.7'],
    ['peer outside the trusted network', ['192.0.2.0/24'], { 'x-forwarded-for': '203.0.113.7' }, socket],
    ['mapped IPv4', 1, { 'x-forwarded-for': '::ffff:203.0.113.7' }, '203.0.113.7'],
  ])('%s', (_, trust, headers, expected) => {
    expect(clientAddress(new Headers(headers), socket, trust)).toBe(expected)
  })

  it('knows nothing where the platform tells nothing and no proxy is trusted', () => {
    expect(clientAddress(new Headers({ 'x-forwarded-for': '203.0.113.7' }), undefined, 0)).toBeUndefined()
  })

  it('never believes the far end of a chain, whatever it holds', () => {
    const header = fc.string({ maxLength: 200 }).filter((text) => !/[^\x20-\x7e]/.test(text))
    fc.assert(
      fc.property(header, (forged) => {
        const headers = new Headers({ 'x-forwarded-for': `${forged}, 203.0.113.7` })
        expect(clientAddress(headers, socket, 1)).toBe('203.0.113.7')
        expect(clientAddress(headers, socket, 0)).toBe(socket)
      }),
    )
  })
})

describe('addressGroup', () => {
  it('takes a /64 as one client', () => {
    expect(addressGroup('2001:db8::1')).toBe(addressGroup('2001:db8::ffff:1'))
    expect(addressGroup('2001:db8::1')).not.toBe(addressGroup('2001:db8:0:1::1'))
    expect(addressGroup('203.0.113.7')).toBe('203.0.113.7')
  })
})
