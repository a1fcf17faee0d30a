import { existsSync } from 'node:fs'
import type { TestProject } from 'vitest/node'
import { findChromium } from './chromium.ts'

declare module 'vitest' {
  interface ProvidedContext {
    chromium: string
  }
}

/** One look for a browser and for the built files, before the first page is opened. */
export default function setup(project: TestProject) {
  if (!existsSync('dist/uetkit.min.js')) throw new Error('dist/ is missing. Run `npm run build` first.')
  project.provide('chromium', findChromium())
}
