import type { TagWindow } from './types.ts'

function randomBytes(window: TagWindow, count: number): Uint8Array {
  return window.crypto.getRandomValues(new Uint8Array(count))
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** UUID v4 with dashes, the form of `mid`. Not `randomUUID`, which http pages lack. */
export function uuidV4(window: TagWindow): string {
  const bytes = randomBytes(window, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** UUID v1 without dashes, the form of `sid` and `vid`. */
export function uuidV1Hex(window: TagWindow): string {
  // 100 ns ticks since 1582-10-15, the epoch of UUID v1.
  const ticks = (BigInt(window.Date.now()) + BigInt(12_219_292_800_000)) * BigInt(10_000)
  const time = ticks.toString(16).padStart(15, '0').slice(-15)
  const node = randomBytes(window, 8)
  node[0] = (node[0]! & 0x3f) | 0x80
  return `${time.slice(7)}${time.slice(3, 7)}1${time.slice(0, 3)}${hex(node)}`
}

/** Up to six digits, the cache breaker `rn`. */
export function randomNumber(window: TagWindow): string {
  return String(Math.floor(window.Math.random() * 1_000_000))
}
