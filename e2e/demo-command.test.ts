import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'

it('uetkit demo starts from the built files, tells where, and ends when asked', async () => {
  const child = spawn(process.execPath, ['dist/cli.js', 'demo', '--port', '0', '--json'], { stdio: 'pipe' })
  try {
    const [line] = await once(child.stdout, 'data')
    const { url, adminUrl } = JSON.parse(String(line))
    const pages = await Promise.all(
      [url, `${url}demo/lab.js`, `${url}uetkit-inspector.min.js`, adminUrl].map((at) => fetch(at)),
    )
    expect(pages.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    expect((await ended)[0]).toBe(0)
  } finally {
    child.kill('SIGKILL')
  }
})
