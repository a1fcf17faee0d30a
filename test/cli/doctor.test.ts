import { expect, it, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'

// An optional peer: who installs uetkit need not have it.
vi.mock('playwright', () => {
  throw new Error("Cannot find package 'playwright'")
})

it('the doctor says how to get Playwright where it is missing', async () => {
  const told = { out: '', err: '' }
  const output = { writeOut: (text: string) => (told.out += text), writeErr: (text: string) => (told.err += text) }
  expect(await main(['doctor', 'https://shop.example/'], output)).toBe(2)
  expect(told).toEqual({ out: '', err: 'uetkit: the doctor needs Playwright: npm install playwright\n' })
})
