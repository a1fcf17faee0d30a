import { describe, expect, it, vi } from 'vitest'
import { canonicalClickId, canonicalVisitorId, dashed, isUuid, uuidV4 } from '../../src/core/identifiers.ts'

const ID = '292049a17e2413e3a4081719e839afe6'
const DASHED = '292049a1-7e24-13e3-a408-1719e839afe6'

describe('canonicalClickId', () => {
  it.each([
    ID,
    ID.toUpperCase(),
    DASHED,
    `_uet${ID}`,
    `${ID}-0`,
    `${ID}-1`,
    `${ID}-1N`,
    `${ID}N`,
    `_uet${ID}-0`,
    ` ${ID} `,
    `${DASHED}-1N`,
  ])('reads %j', (raw) => {
    expect(canonicalClickId(raw)).toBe(ID)
  })

  it.each([
    '',
    'dd4afcccb1c9a4cad9544dd7e5006',
    `${ID}0`,
    `${ID}-2`,
    `_uet_uet${ID}`,
    'z'.repeat(32),
    null,
    7,
    undefined,
  ])('refuses %j', (raw) => {
    expect(canonicalClickId(raw)).toBeUndefined()
  })
})

it.each([
  [ID, ID],
  [ID.toUpperCase(), ID],
  [`${ID}|user|1|1764000000`, ID],
  [`${ID}ff`, undefined],
  ['_uet1234', undefined],
  ['', undefined],
  [undefined, undefined],
])('canonicalVisitorId(%j) → %j', (raw, id) => {
  expect(canonicalVisitorId(raw)).toBe(id)
})

it('dashes 32 hex characters', () => {
  expect(dashed(ID)).toBe(DASHED)
})

it.each([
  [DASHED, true],
  [DASHED.toUpperCase(), true],
  [ID, false],
  [`${DASHED}0`, false],
  [undefined, false],
])('isUuid(%j) is %j', (value, expected) => {
  expect(isUuid(value)).toBe(expected)
})

describe('uuidV4', () => {
  it.each(['with', 'without'])('has version and variant %s randomUUID', (kind) => {
    const { crypto } = globalThis
    if (kind === 'without') vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) })
    const ids = Array.from({ length: 500 }, uuidV4)
    vi.unstubAllGlobals()
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(ids).size).toBe(500)
    // Every digit of the random ones takes every value.
    expect(new Set(ids.map((id) => id[0])).size).toBe(16)
    expect(new Set(ids.map((id) => id[19]))).toEqual(new Set('89ab'))
  })
})
