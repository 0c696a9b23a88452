/**
 * The page's style. Planes have the colours of Okabe and Ito's palette (Color Universal Design, 2008), darkened on
 * paper and lightened on dark so that each keeps a contrast of 3:1 and more with its ground.
 */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b2127; --muted: #58636e; --grid: #e3e7ea; --line: #d3d9de; --soft: #f4f6f8;
  --accent: #1a5c9c; --warn: #a8321a; --pass: #0a6b4c; --open: #7a5600;
  --plane-1: #0072b2; --plane-2: #c24e00; --plane-3: #007d5a; --plane-4: #a6487f; --plane-5: #8a6100; --plane-6: #3a3f8f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #13171b; --ink: #e6eaed; --muted: #a2adb7; --grid: #2a3138; --line: #37414a; --soft: #1b2127;
    --accent: #7db9f2; --warn: #ff8d6d; --pass: #57c99a; --open: #e8b84a;
    --plane-1: #56b4e9; --plane-2: #f08a3c; --plane-3: #2fc797; --plane-4: #e08fc0; --plane-5: #f0e442; --plane-6: #a9aefc;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
main, header, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.25rem; }
footer { padding-bottom: 3rem; color: var(--muted); font-size: .875rem; }
h1 { font-size: 1.75rem; line-height: 1.2; font-weight: 650; letter-spacing: -.01em; margin: 0 0 .35rem; }
h2 { font-size: 1.3rem; line-height: 1.25; font-weight: 650; letter-spacing: -.005em; margin: 3.25rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; font-weight: 650; margin: 2rem 0 .5rem; }
h4 { font-size: .95rem; font-weight: 650; margin: 1.5rem 0 .35rem; }
p { margin: .5rem 0; max-width: 46rem; }
a { color: var(--accent); }
.muted, .facts { color: var(--muted); }
.facts { font-size: .925rem; margin: .15rem 0; max-width: none; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin: 1.25rem 0 0; padding: 0; font-size: .925rem; }
nav a { display: inline-block; padding: .2rem 0; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }

.verdict { margin: 1.5rem 0 0; padding: 1.1rem 1.35rem 1.2rem; background: var(--soft); border-left: 5px solid var(--open); border-radius: 0 6px 6px 0; }
.verdict.pass { border-color: var(--pass); }
.verdict.fail { border-color: var(--warn); }
.verdict h2 { margin: 0; padding: 0; border: 0; font-size: .95rem; display: flex; align-items: center; gap: .45rem; color: var(--open); }
.verdict.pass h2 { color: var(--pass); }
.verdict.fail h2 { color: var(--warn); }
.verdict .lede { font-size: 1.3rem; line-height: 1.35; margin: .5rem 0 .35rem; max-width: 50rem; }
.verdict ul { margin: .6rem 0 0; padding-left: 1.15rem; max-width: 50rem; }
.verdict li { margin: .25rem 0; }
.notice { border-left: 5px solid var(--warn); padding: .5rem 1.35rem; margin: 1rem 0 0; max-width: none; }

.badges { display: inline-flex; flex-wrap: wrap; gap: .3rem; }
.badge { display: inline-block; border: 1px solid var(--line); border-radius: 3px; padding: 0 .35rem; font-size: .75rem; line-height: 1.45; color: var(--muted); white-space: nowrap; }
.badge.simulated { border-style: dashed; color: var(--open); border-color: var(--open); }
.mark { font-weight: 650; white-space: nowrap; }
.mark.good { color: var(--pass); }
.mark.bad { color: var(--warn); }
.mark.open { color: var(--open); }
.swatch { vertical-align: middle; flex: none; }
.plane { white-space: nowrap; display: inline-flex; align-items: center; gap: .4rem; max-width: 100%; }
.plane b { white-space: normal; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.25rem; font-size: .9rem; margin: .75rem 0; }

.scroll { overflow-x: auto; margin: .75rem 0; }
.scroll td, .scroll tbody th { min-width: 5rem; }
.pair { white-space: nowrap; }
.comparisons th.span { min-width: 7rem; }
table { border-collapse: collapse; width: 100%; font-size: .925rem; line-height: 1.4; }
caption { text-align: left; color: var(--muted); font-size: .875rem; padding: 0 0 .5rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem; border-bottom: 1px solid var(--grid); }
th { font-weight: 600; }
thead th { border-bottom: 1px solid var(--ink); vertical-align: bottom; }
th:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
.number, .numbers td { text-align: right; white-space: nowrap; }
tbody th[scope=row], tbody th[scope=rowgroup] { font-weight: 500; }
.comparisons tbody + tbody tr:first-child > * { border-top: 1px solid var(--line); }
.sub { display: block; color: var(--muted); font-size: .8125rem; font-weight: 400; }
tbody .group th[scope=rowgroup] { font-weight: 650; padding-top: 1.35rem; font-size: .8125rem; letter-spacing: .04em; color: var(--muted); border-bottom-color: var(--line); }

caption.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.stack th, .stack td { overflow-wrap: anywhere; }
.stack td.pair, .stack td.number { overflow-wrap: normal; }
.figures tbody th[scope=row] { min-width: 9rem; }
.figures th:first-child { position: sticky; left: 0; background: var(--paper); }
.figures td.cell { text-align: right; min-width: 7rem; }
.figures .value { white-space: nowrap; font-size: 1rem; }
.figures .interval, .figures .note { display: block; color: var(--muted); font-size: .8125rem; }
.figures .interval { white-space: nowrap; }
.figures .note { max-width: 13rem; margin-left: auto; }
.figures .words { font-style: italic; color: var(--muted); }
.figures .best { display: inline-block; border: 1px solid var(--pass); color: var(--pass); border-radius: 3px; padding: 0 .3rem; font-size: .75rem; font-weight: 650; line-height: 1.35; margin-right: .35rem; vertical-align: .08em; }
.figures td.basis { width: 17rem; min-width: 11rem; color: var(--muted); font-size: .8125rem; }
.figures thead .plane { justify-content: flex-end; }
.figures thead .cell { text-align: right; }

.faults td { min-width: 9rem; }
.faults tbody th[scope=row] { min-width: 8rem; }
.faults .harm { display: block; color: var(--warn); font-weight: 650; }
.recovery tbody th[scope=row], .recovery td.prose { white-space: nowrap; overflow-wrap: normal; }
.recovery td.number { white-space: normal; }
.recovery .value { display: block; white-space: nowrap; }
.recovery .interval { display: block; white-space: nowrap; color: var(--muted); font-size: .8125rem; }
.recovery tbody .group th[scope=rowgroup] { font-size: .925rem; letter-spacing: 0; color: var(--ink); padding-top: 1rem; }
.recovery tr:has(+ .remark) > * { border-bottom: 0; }
.recovery .remark td { padding-top: 0; padding-left: 0; }
.strikes { margin: .2rem 0 .4rem; padding-left: 1.4rem; color: var(--muted); font-size: .8125rem; }

figure { margin: 0; min-width: 0; }
figcaption { font-size: .925rem; margin-bottom: .35rem; }
figcaption b { font-weight: 650; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 2rem 2.5rem; margin: 1rem 0; }
.runs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)); gap: 1.75rem 2rem; margin: .75rem 0 1.25rem; }
.drawing { position: relative; }
.drawing svg { display: block; width: 100%; height: auto; font-family: inherit; }
.drawing .live svg { width: auto; }
.drawing.explored > div:not(.live) { display: none; }
.narrow { display: none; }
.panel { margin: .35rem 0 0; font-size: .8125rem; color: var(--muted); }
.tip { position: fixed; z-index: 9; pointer-events: none; background: var(--ink); color: var(--paper); font-size: .8125rem; line-height: 1.4; padding: .3rem .55rem; border-radius: 4px; max-width: 20rem; }
.tip[hidden] { display: none; }
button { font: inherit; font-size: .8125rem; color: var(--accent); background: none; border: 1px solid var(--line); border-radius: 4px; padding: .2rem .6rem; min-height: 1.75rem; cursor: pointer; }
button:hover { border-color: var(--accent); }
button:disabled { color: var(--muted); border-color: transparent; padding-left: 0; cursor: default; }
button[hidden] { display: none; }
details { margin: .4rem 0; }
summary { cursor: pointer; color: var(--accent); font-size: .875rem; padding: .2rem 0; width: fit-content; }
details.repetition > summary { color: var(--ink); font-size: 1rem; font-weight: 600; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem; margin: .5rem 0; white-space: pre-wrap; font: .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre code { font: inherit; user-select: all; }
dl { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .3rem 1.5rem; margin: .75rem 0; font-size: .925rem; }
dt { color: var(--muted); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.findings { list-style: none; padding: 0; }
.findings li { border-left: 3px solid var(--warn); padding: .1rem 0 .1rem 1rem; margin: 1rem 0; }

@media screen and (max-width: 56rem) {
  .figures td.basis { width: auto; min-width: 0; }
  .figures th:first-child { position: static; }
  .stack, .stack thead, .stack tbody, .stack tr, .stack th, .stack td { display: block; }
  .stack thead { position: absolute; left: -999rem; }
  .stack tr { padding: .8rem 0; border-bottom: 1px solid var(--grid); }
  .stack tr.group { padding: 1.5rem 0 .25rem; border-bottom: 1px solid var(--line); }
  .stack th, .stack td { border: 0; padding: .15rem 0; }
  .stack tbody .group th[scope=rowgroup] { padding: 0; border: 0; }
  .stack td[data-label] { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.5fr); column-gap: 1rem; text-align: right; white-space: normal; }
  .stack td[data-label]::before { content: attr(data-label); text-align: left; color: var(--muted); font-size: .875rem; grid-row: span 3; }
  .stack td[data-label] > * { grid-column: 2; }
  .stack td.prose { text-align: left; grid-template-columns: 6rem minmax(0, 1fr); }
  .figures .value { white-space: normal; }
  .faults td { padding: .35rem 0; }
  .recovery tr:has(+ .remark) { border-bottom: 0; padding-bottom: 0; }
  .recovery .remark { padding-top: .2rem; }
  .figures td.basis { margin-top: .35rem; }
  .comparisons tr { display: grid; grid-template-columns: minmax(0, 1fr) auto; padding: .45rem 0; }
  .comparisons th.span { min-width: 0; grid-area: 1 / 1 / 2 / 3; padding: .9rem 0 .25rem; font-weight: 650; }
  .comparisons tbody + tbody tr:first-child > * { border: 0; }
  .comparisons td.pair { grid-area: 2 / 1; }
  .comparisons td[data-label="The first is"] { grid-area: 2 / 2; display: block; }
  .comparisons td[data-label="The first is"]::before { content: none; }
  .comparisons td[data-label=Ratio], .comparisons td[data-label=Interval] { display: block; font-size: .875rem; }
  .comparisons td[data-label]::before { margin-right: .4rem; }
  .comparisons td[data-label=Ratio] { grid-area: 3 / 1; text-align: left; }
  .comparisons td[data-label=Interval] { grid-area: 3 / 2; }
  .comparisons td:last-child { grid-area: 4 / 1 / 5 / 3; }
}
@media screen and (max-width: 34rem) {
  body { font-size: 15px; }
  main, header, footer { padding-left: 1rem; padding-right: 1rem; }
  header { padding-top: 1.25rem; }
  h1 { font-size: 1.45rem; }
  .verdict { padding: .9rem 1rem 1rem; }
  .verdict .lede { font-size: 1.12rem; }
  .wide { display: none; }
  .narrow { display: block; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #ffffff; --ink: #000000; --muted: #4a525a; --grid: #e3e7ea; --line: #c5ccd2; --soft: #ffffff;
    --accent: #000000; --warn: #a8321a; --pass: #0a6b4c; --open: #7a5600;
    --plane-1: #0072b2; --plane-2: #c24e00; --plane-3: #007d5a; --plane-4: #a6487f; --plane-5: #8a6100; --plane-6: #3a3f8f;
  }
  @page { margin: 14mm; }
  html { font-size: 12px; }
  body { font-size: 1rem; }
  main, header, footer { max-width: none; padding: 0; }
  nav, button, .skip, .tip, details:not([open]), summary { display: none; }
  .scroll { overflow: visible; }
  h2 { break-after: avoid; margin-top: 1.5rem; }
  h3, thead, thead tr, .group, .legend, figcaption, caption { break-after: avoid; }
  .figures th, .figures td { padding: .3rem .5rem; }
  .figures th:first-child { padding-left: 0; position: static; }
  .comparisons tbody { break-inside: avoid; }
  .figures td.basis { width: 26%; }
  .drawing.explored > div:not(.live):not(.narrow) { display: block; }
  .drawing .live { display: none; }
  h2 + p, h3 + p { break-after: avoid; }
  tr, figure, .verdict, li, pre { break-inside: avoid; }
  .charts { grid-template-columns: 1fr 1fr; gap: 1rem; }
  .runs { grid-template-columns: 1fr 1fr 1fr; gap: 1rem; }
  a { text-decoration: none; }
}
`;
