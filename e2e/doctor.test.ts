import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { main } from '../src/cli/main.ts'

let server: Server
let origin: string

/** Two pages on loopback, with the stand-in tag script; one lacks consent mode. */
beforeAll(async () => {
  process.env.UETKIT_CHROMIUM = inject('chromium')
  server = createServer(({ url = '' }, answer) => {
    const { pathname } = new URL(url, 'http://127.0.0.1')
    const script = /^\/(uetkit\.min|bat)\.js$/.exec(pathname)
    answer.setHeader('content-type', `${script ? 'text/javascript' : 'text/html'}; charset=utf-8`)
    if (script) return answer.end(readFileSync(`dist${pathname}`))
    const container = "window[document.currentScript.getAttribute('data-ueto')].setUserSignals({})"
    if (pathname.includes('/p/action/')) return answer.setHeader('content-type', 'text/javascript').end(container)
    const consent = pathname === '/bad' ? 'data-consent="off"' : 'data-consent-default="denied"'
    return answer.end(`<!doctype html><title>Shop</title><link rel="icon" href="data:,">
      <script async src="/uetkit.min.js" data-tag-id="97247724" ${consent} data-script-src="${origin}/bat.js?beacons=${origin}"></script>`)
  }).listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const doctor = async (...args: string[]) => {
  let out = ''
  const exitCode = await main(['doctor', ...args, '--json'], { writeOut: (text) => (out += text), writeErr: () => {} })
  return { exitCode, document: JSON.parse(out) }
}

it.each([
  ['/bad', 3, ['consent-missing']],
  ['/good', 0, []],
])('the doctor leaves %s with exit code %d', async (path, exitCode, ids) => {
  const result = await doctor(origin + path, '--wait', '1500')
  expect(result.document.findings.map(({ id }: { id: string }) => id)).toEqual(ids)
  expect(result.exitCode).toBe(exitCode)
})

it.each([
  ['not-a-page', 2, 'usage'],
  ['http://127.0.0.1:1/', 1, 'page'],
])('the doctor says of %s what failed, with exit code %d', async (address, exitCode, code) => {
  const result = await doctor(address)
  expect([result.exitCode, result.document.error.code]).toEqual([exitCode, code])
})
