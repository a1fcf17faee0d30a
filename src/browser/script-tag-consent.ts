import { resolveNames } from './consent/names.ts'
import { install } from './install.ts'

/** The script tag with the consent sources in it, for pages that cannot import them. */
install(window as never, resolveNames)
