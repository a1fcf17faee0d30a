import { drawHeader, drawView, escapeHtml, type ShopState } from './shop/views.ts'
import { optionsOf, type Settings, SWITCHES, type Switch, type SwitchName } from './switches.ts'

/** JSON that may stand inside a script element. */
const inScript = (value: unknown): string => JSON.stringify(value, null, 2).replace(/</g, '\\u003c')

const drawSwitch = ({ name, label, choices }: Switch, { values }: Settings): string => `
  <label>${label}<select name="${name}">${choices
    .map(
      ([value, text]) =>
        `<option value="${value}"${values[name as SwitchName] === value ? ' selected' : ''}>${text}</option>`,
    )
    .join('')}</select></label>`

const drawLab = (settings: Settings): string => `
  <aside class="lab" aria-label="Laboratory">
    <h2>What left this page</h2>
    <p class="lab-note">${
      settings.real
        ? `Tag ${settings.real} with Microsoft’s own script: <strong>data goes to Microsoft.</strong>`
        : 'A stand-in plays Microsoft’s tag script. Nothing leaves this machine.'
    }</p>
    <p class="lab-row">
      <button data-call="page">page()</button>
      <button data-call="track">track('Newsletter Joined')</button>
      <button data-call="order">track('Order Completed', {category: 'tools', revenue: 25})</button>
    </p>
    <p class="lab-row"><span data-consent-state role="status"></span><button data-clear>Clear the list</button></p>
    <ol class="beacons" data-beacons aria-label="Beacons, newest first"></ol>
    <details><summary>Switches</summary>
      <form class="switches" data-switches>
        ${SWITCHES.map((entry) => drawSwitch(entry as never, settings)).join('')}
        <label>Real tag id <input name="real" inputmode="numeric" pattern="[0-9]*" placeholder="stand-in" value="${settings.real ?? ''}"></label>
        <button>Apply</button>
      </form>
    </details>
  </aside>`

/** A whole document. `nonce` lets its two scripts through the content security policy. */
export function drawPage(state: ShopState, settings: Settings, origin: string, nonce: string): string {
  const view = drawView(state)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(view.title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/demo/shop.css">
<script type="application/json" data-uetkit>
${inScript(optionsOf(settings, origin))}
</script>
<script async src="/uetkit.min.js" nonce="${nonce}"></script>
<script nonce="${nonce}">window.uetkit=window.uetkit||function(){(uetkit.q=uetkit.q||[]).push(arguments)}</script>
<script type="module" src="/demo/shop.js"></script>
</head>
<body>
<div class="shop">
  <header class="head" data-head>${drawHeader(state)}</header>
  <main data-main>${view.html}</main>
  <footer class="foot">A shop that does not exist, made to try uetkit.</footer>
  <section class="banner" data-banner aria-label="Cookies" hidden>
    <p><strong>May we measure our ads?</strong> With your consent, Microsoft Advertising stores cookies here.</p>
    <p class="row"><button class="button" data-consent="granted">Allow</button><button class="button quiet" data-consent="denied">Refuse</button></p>
  </section>
</div>
${drawLab(settings)}
</body>
</html>`
}
