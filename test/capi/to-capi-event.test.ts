import { describe, expect, it } from 'vitest'
import { CapiEventError, createCapiClient, toCapiEvent } from '../../src/capi/index.ts'
import { createFakeCapi } from '../../src/testing/fake-capi.ts'
import { NOW, purchase, SHA } from '../support/events.ts'

describe('toCapiEvent', () => {
  it('makes of an event what the client sends', async () => {
    const fake = createFakeCapi({ tags: { 97247724: 'token' }, now: () => NOW })
    const client = createCapiClient({ tagId: '97247724', token: 'token', fetch: fake.fetch, now: () => NOW })
    const event = await toCapiEvent(purchase, { now: NOW, clientIpAddress: '203.0.113.7' })
    expect(await client.send([event])).toEqual([{ status: 'delivered', warnings: [] }])
    expect(fake.oracle.timesAccepted(purchase.id)).toBe(1)
  })

  it('reads national phone numbers of the default country', async () => {
    const user = { phone: '020 7183 8750', email: ' Jane.Doe+News@Example.COM ' }
    const { userData } = await toCapiEvent({ ...purchase, user }, { now: NOW, defaultCountry: 'GB' })
    expect(userData).toEqual({ em: SHA, ph: 'e631c2534428c6c9b48c2167604a8983046085e43a2c00ed748733c544c0bb4d' })
  })

  it('goes by the clock', async () => {
    const time = Date.now()
    const { eventTime } = await toCapiEvent({ ...purchase, time })
    expect(eventTime).toBe(Math.floor(time / 1000))
  })

  it.each([
    ['consent_denied', { consent: 'denied' }],
    ['no_identifier', { user: {} }],
    ['expired', { time: 1 }],
    ['no_source_url', { type: 'page', page: {} }],
  ])('rejects with %s', async (code, change) => {
    const error = await toCapiEvent({ ...purchase, ...change } as typeof purchase, { now: NOW }).catch((error) => error)
    expect(error).toBeInstanceOf(CapiEventError)
    expect(error).toMatchObject({ name: 'CapiEventError', code })
    expect(error.message).toMatch(/^[\w.]+: /)
  })
})
