import { describe, expect, it } from 'vitest'
import { readPath } from '../../src/core/paths.ts'

const order = { total: 5, nested: { deep: { x: null } }, products: [{ sku: 'a' }, { sku: 'b' }], 'a.b': 1, '': 2 }

describe('readPath', () => {
  it.each<[string, unknown]>([
    ['total', 5],
    ['nested.deep', { x: null }],
    ['nested.deep.x', null],
    ['products.1.sku', 'b'],
    ['products.length', 2],
    ['', order],
  ])('reads %o', (path, value) => {
    expect(readPath(order, path)).toEqual(value)
  })

  it.each(['missing', 'total.x', 'nested.deep.x.y', 'products.2.sku', 'a.b', '.', 'total.', '.total'])(
    'finds nothing at %o',
    (path) => {
      expect(readPath(order, path)).toBeUndefined()
    },
  )

  it.each(['toString', 'constructor', '__proto__', 'constructor.prototype', 'products.map', 'hasOwnProperty'])(
    'sees nothing that is inherited: %s',
    (path) => {
      expect(readPath(order, path)).toBeUndefined()
    },
  )

  it('sees a key of any name, if it is the object’s own', () => {
    expect(readPath(JSON.parse('{"__proto__": {"x": 1}, "hasOwnProperty": 2}'), '__proto__.x')).toBe(1)
    expect(readPath(JSON.parse('{"hasOwnProperty": 2}'), 'hasOwnProperty')).toBe(2)
    expect(readPath(Object.assign(Object.create(null), { a: 1 }), 'a')).toBe(1)
  })

  it.each([undefined, null, 5, true, Symbol('s'), 5n])('finds nothing in %o', (source) => {
    expect(readPath(source, 'a.b')).toBeUndefined()
    expect(readPath(source, '')).toBe(source)
  })

  it('takes for absent what throws', () => {
    const throwing = () => {
      throw new Error('no')
    }
    const getter = { a: { b: 1 } }
    Object.defineProperty(getter.a, 'b', { get: throwing })
    expect(readPath(getter, 'a.b')).toBeUndefined()
    expect(readPath(new Proxy({}, { getOwnPropertyDescriptor: throwing }), 'a')).toBeUndefined()
    expect(readPath(new Proxy({ a: 1 }, { get: throwing }), 'a')).toBeUndefined()
  })
})
