import fc from 'fast-check'

const throwing = (): never => {
  throw new Error('a hostile value was read')
}

/** An object whose keys can be listed, and none of them read. */
export const withThrowingGetters = (...keys: string[]): object => {
  const object = {}
  for (const key of keys) Object.defineProperty(object, key, { get: throwing, enumerable: true })
  return object
}

/** A proxy that throws whatever is done with it. */
export const throwingProxy = (target: object = {}): object =>
  new Proxy(target, {
    get: throwing,
    has: throwing,
    ownKeys: throwing,
    getOwnPropertyDescriptor: throwing,
    getPrototypeOf: throwing,
  })

export const cyclic = (): object => {
  const object: Record<string, unknown> = { name: 'loop' }
  object.self = object
  object.products = [object]
  return object
}

/** Values that a page may hand over by mistake or on purpose: each made afresh, some of them neither JSON nor readable. */
export const HOSTILE: [name: string, make: () => unknown][] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['a symbol', () => Symbol('x')],
  ['a bigint', () => 10n],
  ['a function', () => () => 'x'],
  ['NaN', () => Number.NaN],
  ['an invalid date', () => new Date(Number.NaN)],
  ['a cyclic object', cyclic],
  ['a throwing getter', () => withThrowingGetters('toString', 'valueOf', 'length', '0', 'sku', 'id')],
  ['a throwing proxy', () => throwingProxy()],
  ['a throwing list', () => throwingProxy([])],
  ['a revoked proxy', () => revoked({})],
  ['a revoked list', () => revoked([])],
  ['an object without a prototype', () => Object.create(null)],
  ['an object that throws as text', () => ({ toString: throwing, valueOf: throwing, toJSON: throwing })],
  ['a list that lies about its length', () => new Proxy([], { get: (_, key) => (key === 'length' ? -1 : 'x') })],
  ['half a surrogate pair', () => '\ud83d'],
  ['control characters', () => '\u0000\u0007\u202e'],
  ['a huge text', () => 'x'.repeat(1e5)],
  ['a huge list', () => new Array(1e5).fill({ sku: 'x'.repeat(60), price: -1 })],
  ['a sparse list', () => new Array(2 ** 32 - 1)],
  ['a frozen object', () => Object.freeze({ id: 'f' })],
  ['keys of the legacy form', () => ({ ec: 1, el: 2, ev: 'x', ea: null, gv: -1, gc: '€', prodid: [], pagetype: 'x' })],
  ['names of commands', () => ['event', 'consent', 'set', 'config', 'pageLoad']],
]

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

/** Makes any of them, or anything that fast-check can think of. Functions, because fast-check reads the values it gives. */
export const anyValue: fc.Arbitrary<() => unknown> = fc.oneof(
  fc.constantFrom(...HOSTILE.map(([, make]) => make)),
  fc
    .anything({ withBigInt: true, withDate: true, withSparseArray: true, withNullPrototype: true })
    .map((value) => () => value),
  fc.string({ unit: 'binary' }).map((value) => () => value),
)

/** Makes an object with some of these keys, whose values are any of those. */
export const anyObject = (...keys: string[]): fc.Arbitrary<() => Record<string, unknown>> =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...keys), anyValue), { selector: ([key]) => key })
    .map((entries) => () => Object.fromEntries(entries.map(([key, make]) => [key, make()])))
