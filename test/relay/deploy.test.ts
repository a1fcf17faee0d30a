import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/relay/config.ts'
import { createMetrics } from '../../src/relay/metrics.ts'
import { memoryOutbox } from '../../src/relay/outbox/memory.ts'

const FOLDER = 'docs/deploy'
const read = (name: string) => readFileSync(`${FOLDER}/${name}`, 'utf8')

describe('the files to deploy with', () => {
  it('name only metrics that the relay has', async () => {
    const { text } = await createMetrics().expose({ outbox: memoryOutbox(), courier: { lanes: () => [] } })
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!))
    const named = ['alerts.yaml', 'grafana.json', 'kubernetes.yaml'].flatMap(
      (file) => read(file).match(/\b(relay|http_server)_[a-z_]+\b/g) ?? [],
    )
    expect(named.length).toBeGreaterThan(20)
    expect(named.map((name) => name.replace(/_(bucket|count|sum)$/, '')).filter((name) => !known.has(name))).toEqual([])
  })

  it('hold configurations that the relay takes', () => {
    const manifest = /uetkit\.config\.json: \|\n((?: {4}.*\n)+)/.exec(read('kubernetes.yaml'))?.[1]
    const env = {
      UETKIT_DATABASE_URL: 'postgres://u:p@database:5432/uetkit',
      UET_CAPI_TOKEN: 'token',
      UETKIT_SERVER_KEY: 'key',
    }
    for (const text of [read('uetkit.config.json'), manifest!]) {
      expect(readConfig(JSON.parse(text), { env })).toMatchObject({
        adminHost: '0.0.0.0',
        drainDelay: 5_000,
        outbox: { kind: 'postgres' },
      })
    }
  })

  it('start the file that the package calls its command', () => {
    const { bin } = JSON.parse(readFileSync('package.json', 'utf8'))
    for (const file of ['Dockerfile', 'uetkit-relay.service']) expect(read(file)).toContain(`uetkit/${bin.uetkit}`)
    expect(readdirSync(FOLDER)).toContain('docker-compose.yml')
  })
})
