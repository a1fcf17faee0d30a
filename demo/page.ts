import { TOUR } from './lab/tour.ts'
import { drawHeader, drawView, escapeHtml, type ShopState } from './shop/views.ts'
import { optionsOf, type Settings, SWITCHES, type Switch, type SwitchName } from './switches.ts'

/** JSON that may stand inside a script element. */
const inScript = (value: unknown): string => JSON.stringify(value, null, 2).replace(/</g, '\\u003c')

const drawSwitch = ({ name, label, choices, live }: Switch, { values }: Settings): string => `
  <label${live ? ' class="live"' : ''}>${label}<select name="${name}">${choices
    .map(
      ([value, text]) =>
        `<option value="${value}"${values[name as SwitchName] === value ? ' selected' : ''}>${text}</option>`,
    )
    .join('')}</select></label>`

const drawTour = (): string => `
  <ol class="tour" data-tour>${TOUR.map(
    ({ id, title, task }) =>
      `<li data-check="${id}"><span class="tick" aria-hidden="true"></span><div><strong>${title}</strong><span class="quiet" data-done></span><p>${task}</p></div></li>`,
  ).join('')}</ol>`

const drawBanner = (): string => `
  <section class="banner" data-banner aria-label="Cookies" hidden>
    <form data-choice>
      <p><strong>May we measure our ads?</strong> With your consent, Microsoft Advertising stores cookies on your device.</p>
      <p class="row">
        <label class="tick-box"><input type="checkbox" checked disabled> Necessary</label>
        <label class="tick-box"><input type="checkbox" name="Statistics"> Statistics</label>
        <label class="tick-box"><input type="checkbox" name="Advertising"> Advertising</label>
      </p>
      <p class="row"><button class="button" value="all">Allow all</button><button class="button quiet-button" value="some">Save choice</button><button class="button quiet-button" value="none">Refuse all</button></p>
    </form>
  </section>`

const drawLab = (settings: Settings, admin: string): string => `
  <aside class="lab" data-lab aria-label="Laboratory">
    <header><h2>uetkit laboratory</h2><p class="lab-note">${
      settings.real
        ? `Tag ${settings.real} with Microsoft’s own script: <strong>data goes to Microsoft.</strong>`
        : 'Stand-ins play Microsoft’s part. Nothing leaves this machine.'
    }</p></header>
    <details name="lab" open><summary>Guided tour <span class="badge" data-progress>0 of ${TOUR.length}</span></summary>
      ${drawTour()}<button data-restart>Start the tour again</button>
    </details>
    <details name="lab"><summary>Switches</summary>
      <form class="switches" data-switches>
        ${SWITCHES.map((entry) => drawSwitch(entry, settings)).join('')}
        <label>Real tag id <input name="real" inputmode="numeric" pattern="[0-9]*" placeholder="stand-in" value="${settings.real ?? ''}"></label>
        <button>Use this tag</button>
      </form>
      <p class="lab-row"><button data-copy-case>Copy this case’s address</button><span role="status" data-copied></span></p>
    </details>
    <details name="lab"><summary>What left this page <span class="badge" data-count-beacons>0</span></summary>
      <ol class="sent" data-beacons aria-label="Beacons, newest first"></ol>
    </details>
    <details name="lab"><summary>What the Conversions API got <span class="badge" data-count-capi>0</span></summary>
      <ol class="sent" data-capi aria-label="Events at the Conversions API, newest first"></ol>
    </details>
    <details name="lab"><summary>This page’s snippet</summary>
      <pre tabindex="0">${escapeHtml(drawSnippet(settings, 'https://cdn.example'))}</pre>
    </details>
    <section class="try" aria-label="Try"><h3>Call it yourself</h3>
      <button data-call="page">page()</button>
      <button data-call="track">track('Newsletter Joined')</button>
      <button data-call="order">track('Order Completed', {category: 'tools', revenue: 25})</button>
      <p class="lab-row"><button data-inspect>Open the inspector</button><button data-clear>Clear the lists</button></p>
      ${settings.real ? '' : `<p class="lab-note"><a href="${admin}" target="_blank">The relay at a glance</a></p>`}
    </section>
  </aside>
  <button class="lab-toggle" data-lab-toggle aria-expanded="false"><span data-lab-name>Laboratory</span> <span class="badge" data-progress></span></button>`

/** A table of regions needs the script that knows the consent sources. */
const scriptName = ({ values }: Settings): string =>
  values.default.startsWith('region') ? 'uetkit-consent.min.js' : 'uetkit.min.js'

/** The host states the consent that it read from its categories, so it makes the first page load too. */
const isHosted = ({ values }: Settings): boolean => values.signal !== 'call'

const drawSnippet = (settings: Settings, origin: string, nonce?: string): string => {
  const allowed = nonce ? ` nonce="${nonce}"` : ''
  return `<script type="application/json" data-uetkit>
${inScript(optionsOf(settings, origin))}
</script>
<script async src="${nonce ? '' : origin}/${scriptName(settings)}"${isHosted(settings) ? ' data-auto-page="false"' : ''}${allowed}></script>
<script${allowed}>window.uetkit=window.uetkit||function(){(uetkit.q=uetkit.q||[]).push(arguments)}</script>`
}

export interface PageParts {
  state: ShopState
  settings: Settings
  origin: string
  /** Lets the scripts through the content security policy. */
  nonce: string
  /** Address of the relay's own page. */
  admin: string
}

/** A whole document. */
export function drawPage({ state, settings, origin, nonce, admin }: PageParts): string {
  const view = drawView(state)
  const gpc =
    settings.values.gpc === 'off'
      ? ''
      : `<script nonce="${nonce}">Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })</script>\n`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(view.title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/demo/shop.css">
<link rel="stylesheet" href="/demo/lab.css">
${gpc}${drawSnippet(settings, origin, nonce)}
<script type="module" src="/demo/shop.js"></script>
<script type="module" src="/demo/lab.js"></script>
</head>
<body>
<div class="shop">
  <header class="head" data-head>${drawHeader(state)}</header>
  <main data-main>${view.html}</main>
  <footer class="foot"><span>A shop that does not exist, made to try uetkit.</span> <button class="link" data-cookies>Cookie settings</button></footer>
  ${drawBanner()}
</div>
${drawLab(settings, admin)}
</body>
</html>`
}
