"""How a report's page looks, light, dark, on a telephone and on paper, and its one script."""

from __future__ import annotations

LIGHT = """--ink: #1b2733; --soft: #566270; --rule: #d5dbe1; --tint: #f4f6f8; --paper: #fff;
  --link: #005a94; --under: #0072b2; --over: #d55e00; --green: #009e73; --purple: #a65c8c;
  --bar: #b4bdc6; --grid: #e6eaee; --warn: #fdf3e7; --pale: #f4cdb0;"""
DARK = """--ink: #e6ebf0; --soft: #a7b3be; --rule: #3a444e; --tint: #1e262d; --paper: #141a1f;
  --link: #7cc4f5; --under: #56b4e9; --over: #f0883a; --green: #35c79c; --purple: #d696be;
  --bar: #5d6975; --grid: #2b343c; --warn: #33271a; --pale: #5d3a20;"""


def _stacked(table: str) -> str:
    """Rules by which every row of a table is a block of lines, a line a cell with its name."""
    return f"""
  {table}, {table} :is(caption, tbody, tr, td, tbody th) {{ display: block; width: auto;
    max-width: none; }}
  {table} thead {{ position: absolute; width: 1px; height: 1px; overflow: hidden;
    clip-path: inset(50%); }}
  {table} tr {{ border-bottom: 1px solid var(--rule); padding: .35rem 0; }}
  {table} .head {{ border-bottom: 0; }}
  {table} :is(th, td) {{ border: 0; padding: .1rem 0; }}
  {table} th[scope="row"] {{ font-weight: 600; }}
  {table} td.num {{ display: flex; gap: 1rem; max-width: 26rem; }}
  {table} td.num::before {{ content: attr(data-label); color: var(--soft); flex: 0 1 auto;
    margin-right: auto; white-space: normal; text-align: left; }}
  {table} td:not(.num)::before {{ content: attr(data-label) ": "; color: var(--soft); }}"""


STYLE = (
    f":root {{ color-scheme: light dark; {LIGHT} }}\n"
    f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {DARK} }} }}"
    """
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0 auto; padding: 2.5rem 1.5rem 3rem; max-width: 66rem; color: var(--ink);
  background: var(--paper); font: 16px/1.5 "Helvetica Neue", Helvetica, Arial, "Liberation Sans",
  "DejaVu Sans", sans-serif; }
body.several { max-width: 80rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem 1rem; }
header { border-bottom: 3px solid var(--ink); padding-bottom: 1rem; margin-bottom: 1.5rem; }
.kind { margin: 0; color: var(--soft); font-size: .95rem; }
h1 { margin: .1rem 0 .3rem; font-size: 1.9rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 0 0 .75rem; font-size: 1.35rem; }
h3 { margin: 1.5rem 0 .5rem; font-size: 1.05rem; overflow-wrap: anywhere; }
p, ul { max-width: 48rem; margin: 0 0 .8rem; overflow-wrap: anywhere; }
.facts, .small, figcaption, caption, footer, .note { color: var(--soft); }
nav ol { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: .75rem 0 0;
  padding: 0; font-size: .92rem; }
section { margin: 2.75rem 0; }
.remarks { background: var(--warn); border-left: 4px solid var(--over); padding: .7rem 1rem;
  margin: 0 0 1.25rem; max-width: 60rem; }
.remarks h3 { margin: 0 0 .3rem; }
.remarks ul { margin: 0; padding-left: 1.2rem; max-width: none; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
  gap: 1rem; margin: 0 0 1.5rem; }
.cards div { border-top: 2px solid var(--under); background: var(--tint); padding: .7rem .9rem; }
dt { font-size: .88rem; color: var(--soft); }
dd { margin: 0; font-size: 1.4rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
dd.small { font-size: .85rem; margin-top: .15rem; }
figure { margin: 1rem 0 1.25rem; break-inside: avoid; }
.panels { display: grid; gap: 1rem 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 21.9rem), 1fr)); }
.panels.one { grid-template-columns: minmax(0, 30rem); }
.panel { min-width: 0; max-width: 30rem; break-inside: avoid; }
.panel > svg { display: block; width: 100%; height: auto; }
.over-panel { margin: 0 0 .2rem; font-weight: 600; font-size: .95rem; }
.over-panel .note { font-weight: 400; font-size: .88rem; margin-left: .6rem; }
figure svg text { font-family: "Helvetica Neue", Helvetica, Arial, "Liberation Sans",
  "DejaVu Sans", sans-serif !important; }
figcaption { font-size: .88rem; max-width: 56rem; margin-top: .4rem; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.25rem; list-style: none; padding: 0;
  margin: 0 0 .6rem; font-size: .88rem; max-width: none; }
.mark { display: inline-block; width: 1.3rem; height: .75rem; margin-right: .4rem; }
.mark.bar { background: var(--bar); }
.mark.part-0 { background: var(--under); } .mark.part-1 { background: #e69f00; }
.mark.part-2 { background: var(--green); } .mark.part-3 { background: #cc79a7; }
.mark.part-4 { background: #56b4e9; } .mark.part-5 { background: var(--over); }
.mark.part-6 { background: #f0e442; } .mark.part-7 { background: var(--soft); }
.mark.box-over { background: var(--pale); border: 1.5px solid var(--over); }
.mark.box-under { background: color-mix(in srgb, var(--under) 25%, var(--paper)); }
.mark[class*="dash-"], .mark[class*="line-"] { height: 0; vertical-align: .25rem; }
.mark.dash-soft { border-top: 2px dashed var(--soft); }
.mark.dash-over { border-top: 2px dotted var(--over); }
.mark.line-ink { border-top: 2px solid var(--ink); }
.mark.line-under { border-top: 2px solid var(--under); }
.mark.line-bar { border-top: 3px solid var(--bar); }
.mark[class*="dot-"] { width: .7rem; height: .7rem; border-radius: 50%; }
.mark.dot-under { background: var(--under); }
.mark.dot-over { background: var(--over); border-radius: 0; }
.mark.dot-spot { background: var(--over); }
.mark.dot-green { background: var(--green); clip-path: polygon(50% 0, 100% 100%, 0 100%); }
.mark.dot-purple { background: var(--purple);
  clip-path: polygon(50% 0, 100% 50%, 50% 100%, 0 50%); }
.shares { display: flex; height: 1.35rem; margin: 0 0 .35rem; }
.shares svg { flex: 1; height: 100%; }
.wide { overflow-x: auto; margin: 0 0 1.25rem; }
table { border-collapse: collapse; width: 100%; font-size: .88rem;
  font-variant-numeric: tabular-nums lining-nums; }
caption { text-align: left; padding: 0 0 .4rem; caption-side: top; }
th, td { padding: .28rem .6rem; text-align: left; vertical-align: top; font-weight: 400;
  border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { padding-left: .2rem; }
thead th { vertical-align: bottom; font-weight: 600; border-bottom: 1.5px solid var(--ink);
  line-height: 1.25; }
.num { text-align: right; white-space: nowrap; }
thead .num { white-space: normal; }
tbody th { overflow-wrap: anywhere; min-width: 7rem; }
tbody th[scope="row"] { max-width: 22rem; }
td:not(.num) { overflow-wrap: anywhere; }
p.small { font-size: .88rem; }
tbody .head th { font-weight: 600; padding-top: .8rem; border-bottom-color: var(--soft); }
.total th, .total td { font-weight: 600; border-top: 1px solid var(--soft); }
.bar { vertical-align: -.1em; }
td .bar { width: 3.6rem; height: .8rem; margin-right: .5rem; }
.beside { display: inline-block; min-width: 5.2rem; }
.bar path { stroke: var(--soft); stroke-width: 1; vector-effect: non-scaling-stroke; }
.share-0 { --of: var(--under); --much: 100%; } .share-1 { --of: var(--under); --much: 70%; }
.share-2 { --of: var(--under); --much: 38%; } .share-3 { --of: var(--bar); --much: 100%; }
.share-4 { --of: var(--over); --much: 38%; } .share-5 { --of: var(--over); --much: 70%; }
.share-6 { --of: var(--over); --much: 100%; }
[class*="share-"] { fill: color-mix(in srgb, var(--of) var(--much), var(--paper)); }
.mark[class*="share-"] { background: color-mix(in srgb, var(--of) var(--much), var(--paper)); }
.over { fill: var(--over); }
.under { fill: var(--under); }
.chooser { display: none; flex-wrap: wrap; gap: .5rem 1.5rem; margin: .5rem 0 1rem;
  padding: .6rem .9rem; background: var(--tint); }
.js .chooser { display: flex; }
select { font: inherit; font-size: .92rem; margin-left: .4rem; max-width: min(22rem, 60vw);
  padding: .15rem; color: var(--ink); background: var(--paper); border: 1px solid var(--soft); }
@media screen { .js .away { display: none; } }
footer { border-top: 1px solid var(--rule); padding-top: 1rem; font-size: .88rem; }
@media screen and (max-width: 63.9rem) {
"""
    + _stacked("table.broad")
    + """
}
@media screen and (max-width: 47.9rem) {
  body { padding: 1.25rem 1rem 2rem; }
  h1 { font-size: 1.5rem; }
  .wide { overflow: visible; }
"""
    + _stacked("table:not(.slim)")
    + """
  td .bar { margin-left: auto; align-self: center; flex: none; }
  .slim td .bar { display: none; }
  .beside { min-width: 4.5rem; }
}
@media print {
  @page { margin: 16mm 14mm; }
  body, body.several { font-size: 10pt; max-width: none; padding: 0; }
  nav, .chooser, .js .chooser, .skip { display: none; }
  section { margin: 1.5rem 0; }
  h2, h3, caption { break-after: avoid; }
  tr, .cards div, .panel { break-inside: avoid; }
  thead { display: table-header-group; }
  .panels { grid-template-columns: 1fr 1fr; }
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  th, td { padding: .18rem .35rem; }
  td .bar { display: none; }
  .beside { min-width: 0; }
  table.broad { font-size: 7pt; }
  .broad th, .broad td { padding: .15rem .2rem; }
  tbody th { min-width: 4rem; }
  .cards div, .mark, .remarks { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  a { color: inherit; text-decoration: none; }
}
"""
)

SCRIPT = """
"use strict";
(() => {
  const shown = [];
  for (const grouped of document.querySelectorAll(".grouped")) {
    const segments = [...grouped.querySelectorAll("[data-segment]")];
    const column = grouped.querySelector(".choose-column");
    const part = grouped.querySelector(".choose-part");
    if (!column) continue;
    document.documentElement.classList.add("js");
    const show = () => {
      for (const one of segments)
        one.classList.toggle("away", column.value !== "" && one.id !== column.value);
      for (const body of grouped.querySelectorAll("[data-part]"))
        body.classList.toggle("away",
          part && part.value !== "" && body.dataset.part !== part.value);
    };
    column.addEventListener("change", show);
    if (part) part.addEventListener("change", show);
    show();
    shown.push([segments, column, show]);
  }
  const follow = () => {
    for (const [segments, column, show] of shown) {
      const named = segments.find((one) => "#" + one.id === location.hash);
      if (named) { column.value = named.id; show(); named.scrollIntoView(); }
    }
  };
  window.addEventListener("hashchange", follow);
  follow();
})();
"""
