import { installFakeTag } from './install.ts'

// The script's own address carries its options: `bat.js?beacons=http://127.0.0.1:4000`.
const script = document.currentScript
const address = script instanceof HTMLScriptElement && script.src !== '' ? new URL(script.src) : undefined
const beacons = address?.searchParams.get('beacons')

installFakeTag(window, beacons ? { beacons } : {})
