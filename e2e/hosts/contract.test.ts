import { describe } from 'vitest'
import { useSites } from '../support/suite.ts'
import { contract, useHost } from './contract.ts'

const sites = useSites()

describe.each(['analytics', 'segment', 'amplitude', 'rudderstack', 'jitsu'])('%s', (name) => {
  contract(useHost(sites, name))
})
