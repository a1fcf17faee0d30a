import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright'
import { inject } from 'vitest'
import { FLAGS } from './chromium.ts'
import { scriptTag } from './suite.ts'

export interface ServedSite {
  origin: string
  /** What the stand-in tag sent, in the order of arrival. */
  hits: URL[]
  page: Page
  /** The script tag, with a tag script that sends to this server. */
  tag(attributes?: string): string
  /** Opens a page in a browser that nobody steers: one that is steered prerenders nothing. */
  visit(path: string): void
  close(): Promise<unknown>
}

/**
 * A real server and a browser of its own: an intercepted page is neither prerendered nor kept for going back.
 *
 * @param pages path → HTML body; may be filled later.
 */
export async function serveSite(pages: Record<string, string>): Promise<ServedSite> {
  const hits: URL[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://localhost')
    if (url.pathname.startsWith('/dist/')) {
      response.setHeader('content-type', 'text/javascript; charset=utf-8')
      return response.end(readFileSync(url.pathname.slice(1)))
    }
    if (/\/actionp?\//.test(url.pathname)) {
      hits.push(url)
      return response.writeHead(204).end()
    }
    const html = pages[url.pathname]
    response.writeHead(html === undefined ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' })
    return response.end(`<!doctype html><title>${url.pathname}</title><body>${html ?? ''}`)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`
  const browser = await chromium.launch({
    executablePath: inject('chromium'),
    args: FLAGS,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
  let stop = async () => {}
  return {
    origin,
    hits,
    page: await browser.newPage(),
    tag: (attributes = 'data-consent-default="granted"') =>
      scriptTag(
        `data-tag-id="1" ${attributes} data-script-src="${origin}/dist/bat.js?beacons=${encodeURIComponent(origin)}" data-script-container="false"`,
      ),
    visit(path) {
      const profile = mkdtempSync(join(tmpdir(), 'uetkit-'))
      const args = [...FLAGS, '--headless', '--disable-gpu', '--remote-debugging-port=0', `--user-data-dir=${profile}`]
      const own = spawn(inject('chromium'), [...args, origin + path], { stdio: 'ignore' })
      const ended = new Promise((done) => own.once('exit', done))
      stop = async () => {
        own.kill()
        await ended
        rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
      }
    },
    close: async () => {
      await stop()
      await browser.close()
      server.close()
    },
  }
}
