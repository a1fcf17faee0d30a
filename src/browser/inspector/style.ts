/** The panel's looks. `all: initial` keeps the page's own styles out; the shadow root keeps ours in. */
export const STYLE = `
:host {
  all: initial;
  position: fixed;
  inset: 0 0 0 auto;
  z-index: 2147483647;
  display: block;
  width: min(410px, 100vw);
  height: 100dvh;
  margin: 0;
  padding: 0;
  border: 0;
  overflow: visible;
  background: none;
  color-scheme: light dark;
  --back: light-dark(#ffffff, #16191f);
  --raise: light-dark(#f4f6f9, #1f242c);
  --ink: light-dark(#1a2230, #e9edf3);
  --soft: light-dark(#566173, #a3adbb);
  --line: light-dark(#dfe4eb, #323944);
  --blue: light-dark(#1b5fc1, #7fb4ff);
  --violet: light-dark(#6a3fc0, #b9a0ff);
  --good: light-dark(#146c43, #5ecf95);
  --warn: light-dark(#8a5300, #f0b455);
  --bad: light-dark(#b3261e, #ff8f86);
  --teal: light-dark(#0b6b74, #62ccd6);
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  font: 13px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  color: var(--ink);
}
:host([data-hidden]) { inset: auto 12px 12px auto; width: auto; height: auto; }
* { box-sizing: border-box; margin: 0; }
[hidden] { display: none !important; }
button, input { font: inherit; color: inherit; }
button { cursor: pointer; }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 1px; }

.panel {
  contain: strict;
  display: flex;
  flex-direction: column;
  height: 100%;
  background: var(--back);
  border-left: 1px solid var(--line);
  box-shadow: -8px 0 32px rgb(0 0 0 / 14%);
}
.bar { display: flex; align-items: center; gap: 2px; padding: 10px 8px 6px 14px; }
.bar h2 { flex: 1; font-size: 14px; font-weight: 650; letter-spacing: -0.005em; }
.bar h2 span { color: var(--soft); font-weight: 400; }
.icon { display: grid; place-items: center; width: 30px; height: 30px; padding: 0; border: 0; border-radius: 7px; background: none; color: var(--soft); }
.icon:hover { background: var(--raise); color: var(--ink); }
svg { width: 16px; height: 16px; fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }

.state { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px; margin: 0 14px 10px; padding: 9px 12px; border-radius: 9px; background: var(--raise); }
.state dt { color: var(--soft); }
.state dd { min-width: 0; overflow-wrap: anywhere; }
.good { color: var(--good); }
.warn { color: var(--warn); }
.bad { color: var(--bad); }
.state dd > span { font-weight: 600; }
.state code { font: 12px var(--mono); }

.tabs { display: flex; gap: 4px; padding: 0 14px; border-bottom: 1px solid var(--line); }
.tabs button { padding: 7px 10px 8px; border: 0; border-bottom: 2px solid transparent; background: none; color: var(--soft); font-weight: 600; margin-bottom: -1px; }
.tabs button[aria-selected="true"] { border-color: var(--blue); color: var(--ink); }
.badge { display: inline-block; min-width: 18px; margin-left: 4px; padding: 0 5px; border-radius: 9px; background: var(--raise); color: var(--soft); font-size: 11px; line-height: 17px; text-align: center; }
.badge.bad { background: var(--bad); color: var(--back); }
.badge.warn { background: var(--warn); color: var(--back); }

.view { display: flex; flex: 1; flex-direction: column; min-height: 0; }
.filter { display: flex; flex-wrap: wrap; gap: 6px; padding: 10px 14px; }
.filter input { flex: 1 0 100%; height: 32px; padding: 0 10px; border: 1px solid light-dark(#8792a2, #667080); border-radius: 8px; background: var(--back); }
.filter input::placeholder { color: var(--soft); opacity: 1; }
.chip { display: inline-flex; align-items: center; gap: 4px; padding: 2px 8px 2px 6px; border: 1px solid var(--line); border-radius: 20px; background: none; color: var(--soft); font-size: 12px; }
.chip svg { width: 13px; height: 13px; }
.chip[aria-pressed="true"] { border-color: currentColor; background: var(--raise); color: var(--ink); }

.scroll { contain: strict; flex: 1; min-height: 0; padding: 0 0 12px; overflow: auto; overscroll-behavior: contain; }
ol { padding: 0; list-style: none; }
.row { border-top: 1px solid var(--line); contain: content; content-visibility: auto; contain-intrinsic-size: auto 52px; }
.row:first-child { border-top: 0; }
summary { display: grid; grid-template-columns: 26px 1fr auto; gap: 0 6px; align-items: start; padding: 8px 14px; list-style: none; cursor: pointer; }
summary::-webkit-details-marker { display: none; }
summary:hover { background: var(--raise); }
summary:focus-visible { outline-offset: -2px; }
summary > svg { margin-top: 2px; color: var(--soft); }
.row[data-kind="page"] summary > svg { color: var(--blue); }
.row[data-kind="event"] summary > svg { color: var(--violet); }
.row[data-kind="relay"] summary > svg { color: var(--teal); }
.row[data-tone="good"] summary > svg { color: var(--good); }
.row[data-tone="warn"] summary > svg { color: var(--warn); }
.row[data-tone="bad"] summary > svg { color: var(--bad); }
.what { min-width: 0; }
.what b { font-weight: 600; overflow-wrap: anywhere; }
.what p { color: var(--soft); overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
.when { color: var(--soft); font: 11px/20px var(--mono); text-align: right; }
.pips { display: flex; gap: 4px; justify-content: flex-end; }
.pip { padding: 0 5px; border: 1px solid currentColor; border-radius: 4px; font: 600 10px/15px var(--mono); color: var(--soft); }
.pip.good { color: var(--good); }
.pip.warn { color: var(--warn); }
.pip.bad { color: var(--bad); }

.more { padding: 2px 14px 14px 46px; }
.more h3 { margin: 10px 0 3px; color: var(--soft); font-size: 11px; font-weight: 600; letter-spacing: 0.06em; text-transform: uppercase; }
.more h3:first-child { margin-top: 0; }
pre { max-height: 260px; padding: 8px 10px; border-radius: 8px; background: var(--raise); font: 12px/1.5 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; overflow: auto; }
.keys { display: grid; grid-template-columns: minmax(64px, auto) 1fr; gap: 1px 10px; font: 12px/1.5 var(--mono); }
.keys dt { color: var(--soft); }
.keys dd { overflow-wrap: anywhere; min-width: 0; }
.keys dd small { color: var(--soft); font: 11px system-ui, sans-serif; }
.more ul { padding-left: 16px; }
.mark { padding: 8px 14px 4px; color: var(--soft); font-size: 12px; }
.empty { padding: 26px 20px; color: var(--soft); text-align: center; }
.older { display: block; margin: 10px auto; padding: 6px 14px; border: 1px solid var(--line); border-radius: 8px; background: none; }

.finding { margin: 12px 14px 0; padding: 12px 14px; border: 1px solid var(--line); border-left: 4px solid var(--warn); border-radius: 8px; }
.finding[data-level="error"] { border-left-color: var(--bad); }
.finding h3 { font-size: 13.5px; font-weight: 650; }
.finding p { margin-top: 4px; overflow-wrap: anywhere; }
.finding p.seen { color: var(--soft); }
.finding code { font: 11px var(--mono); color: var(--soft); }

.foot { padding: 6px 14px; border-top: 1px solid var(--line); color: var(--soft); font-size: 11px; }
kbd { padding: 0 4px; border: 1px solid var(--line); border-radius: 4px; font: 11px var(--mono); }
.pill { display: flex; align-items: center; gap: 8px; padding: 9px 14px; border: 1px solid var(--line); border-radius: 24px; background: var(--back); font-weight: 600; box-shadow: 0 4px 20px rgb(0 0 0 / 20%); }
.dot { width: 8px; height: 8px; border-radius: 50%; background: currentColor; }
.quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

@media (width < 640px) {
  :host { inset: auto 0 0 0; width: 100vw; height: min(66dvh, 560px); }
  .panel { border-left: 0; border-top: 1px solid var(--line); border-radius: 14px 14px 0 0; overflow: hidden; box-shadow: 0 -8px 32px rgb(0 0 0 / 22%); }
  .state { margin-bottom: 6px; padding: 6px 12px; }
  .filter { flex-wrap: nowrap; overflow-x: auto; }
  .filter input { flex: 1 0 130px; }
  .chip { flex: none; }
  .foot { display: none; }
}
@media (forced-colors: active) {
  .badge, .pip, .chip { border: 1px solid; }
}
`
