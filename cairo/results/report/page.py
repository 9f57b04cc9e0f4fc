"""The page itself: style, script, and the few pieces of HTML every section is made of."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Mapping, Sequence

DOI = "https://doi.org/10.1016/j.jup.2023.101539"


class Html(str):
    """Text that is HTML already; all other text is escaped."""

    __slots__ = ()


def esc(value: object) -> Html:
    """Text made safe for HTML, in attributes too."""
    return value if isinstance(value, Html) else Html(html.escape(str(value), quote=True))


def join(parts: Iterable[Html], between: str = "\n") -> Html:
    """Pieces of HTML one after another."""
    return Html(between.join(parts))


def paragraph(text: str, kind: str = "") -> Html:
    """A paragraph; `kind` is its CSS class."""
    return Html(f"<p{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{esc(text)}</p>")


def section(name: str, title: str, *parts: Html) -> Html:
    """A titled section that links can name."""
    return Html(
        f'<section id="{esc(name)}" aria-labelledby="{esc(name)}-title">\n'
        f'<h2 id="{esc(name)}-title">{esc(title)}</h2>\n{join(parts)}\n</section>'
    )


def figure(drawing: Html, caption: str) -> Html:
    """A chart and what it shows."""
    return Html(f"<figure>\n{drawing}\n<figcaption>{esc(caption)}</figcaption>\n</figure>")


def cards(facts: Sequence[tuple[str, str, str]]) -> Html:
    """Headline numbers: name, value, what to know about it."""
    items = (
        f"<div><dt>{esc(name)}</dt><dd>{esc(value)}</dd><dd class='small'>{esc(note)}</dd></div>"
        for name, value, note in facts
    )
    return Html(f'<dl class="cards">{"".join(items)}</dl>')


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    caption: str = "",
    text: Sequence[int] = (0,),
    over: Sequence[tuple[str, int]] = (),
    last_is_total: bool = False,
) -> Html:
    """A table; `text` are its columns of words, all others are numbers, set flush right.

    over : names above the head, each with the columns it spans.
    """
    body = [list(row) for row in rows]
    lines = [
        row_html(row, text, "total" if last_is_total and number == len(body) - 1 else "")
        for number, row in enumerate(body)
    ]
    return table_of([f"<tbody>{''.join(lines)}</tbody>"], head, caption, text, over)


def table_of(
    bodies: Sequence[str],
    head: Sequence[str],
    caption: str,
    text: Sequence[int],
    over: Sequence[tuple[str, int]] = (),
) -> Html:
    """A table of given `<tbody>` elements."""
    above = "".join(
        f'<th scope="colgroup" colspan="{width}" class="over">{esc(name)}</th>'
        if name
        else f'<td colspan="{width}"></td>'
        for name, width in over
    )
    names = "".join(
        f'<th scope="col"{"" if number in text else " class=num"}>{esc(name)}</th>'
        for number, name in enumerate(head)
    )
    title = f"<caption>{esc(caption)}</caption>" if caption else ""
    top = f"<tr>{above}</tr>" if above else ""
    return Html(
        f'<div class="wide" tabindex="0" role="region" aria-label="{esc(caption or head[0])}">'
        f"<table>{title}<thead>{top}<tr>{names}</tr></thead>{''.join(bodies)}</table></div>"
    )


def row_html(cells: Sequence[str], text: Sequence[int], kind: str = "") -> str:
    """One row, headed by its first cell."""
    first = f'<th scope="row">{esc(cells[0])}</th>'
    rest = "".join(
        f"<td{'' if number in text else ' class=num'}>{esc(cell)}</td>"
        for number, cell in enumerate(cells[1:], 1)
    )
    return f"<tr{f' class={kind}' if kind else ''}>{first}{rest}</tr>"


def heading(text: str) -> Html:
    """A heading inside a section."""
    return Html(f"<h3>{esc(text)}</h3>")


def chooser(columns: Sequence[tuple[str, str]], label: str, parts: Mapping[str, str]) -> Html:
    """Menus that leave one column's table, and one part of its rows; unseen without scripts."""

    def menu(name: str, label: str, every: str, items: Iterable[tuple[str, str]], at: str) -> str:
        options = "".join(
            f'<option value="{esc(value)}"{" selected" if value == at else ""}>{esc(text)}</option>'
            for value, text in [("", every), *items]
        )
        return f'<label>{esc(label)}<select id="{name}">{options}</select></label>'

    return Html(
        '<div class="chooser">'
        + menu("choose-column", "Group by", "every column", columns, columns[0][0])
        + (
            menu("choose-part", label.capitalize(), f"every {label}", parts.items(), "")
            if len(parts) > 1
            else ""
        )
        + "</div>"
    )


def lines(items: Iterable[str]) -> Html:
    """Texts, a line each."""
    return Html("<br>".join(esc(item) for item in items))


def document(
    title: str,
    subtitle: str,
    facts: str,
    sections: Sequence[tuple[str, str]],
    body: Html,
    wide: bool = False,
) -> str:
    """The whole file. It asks for nothing outside itself, and its policy would not let it."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    links = "".join(f'<li><a href="#{esc(name)}">{esc(text)}</a></li>' for name, text in sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{esc(title)} – {esc(subtitle)}</title>
<style>{STYLE}</style>
</head>
<body{' class="two"' if wide else ""}>
<a class="skip" href="#main">Skip to the results</a>
<header>
<p class="kind">{esc(title)}</p>
<h1>{esc(subtitle)}</h1>
<p class="facts">{esc(facts)}</p>
<nav aria-label="Contents"><ol>{links}</ol></nav>
</header>
<main id="main">
{body}
</main>
<footer><p>Method: Simeone et al. (2023), “The bill alignment test”, <cite>Utilities Policy</cite>
82, 101539, <a href="{DOI}">doi:10.1016/j.jup.2023.101539</a>.</p></footer>
<script>{SCRIPT}</script>
</body>
</html>
"""


STYLE = """
:root { --ink: #1b2733; --soft: #566270; --rule: #d5dbe1; --tint: #f4f6f8; --link: #005a94;
  --under: #0072b2; --over: #d55e00; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0 auto; padding: 2.5rem 1.5rem 3rem; max-width: 66rem; color: var(--ink);
  background: #fff; font: 16px/1.5 "Helvetica Neue", Helvetica, Arial, "Liberation Sans",
  "DejaVu Sans", sans-serif; }
body.two { max-width: 80rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; background: #fff; padding: .5rem 1rem; }
header { border-bottom: 3px solid var(--ink); padding-bottom: 1rem; margin-bottom: 1.5rem; }
.kind { margin: 0; color: var(--soft); font-size: .95rem; }
h1 { margin: .1rem 0 .3rem; font-size: 1.9rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 0 0 .75rem; font-size: 1.35rem; }
h3 { margin: 1.5rem 0 .5rem; font-size: 1.05rem; overflow-wrap: anywhere; }
p { max-width: 48rem; margin: 0 0 .8rem; overflow-wrap: anywhere; }
.facts, .small, figcaption, caption, footer, .note { color: var(--soft); }
nav ol { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: .75rem 0 0;
  padding: 0; font-size: .92rem; }
section { margin: 2.75rem 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem;
  margin: 0 0 1.5rem; }
.cards div { border-top: 2px solid var(--under); background: var(--tint); padding: .7rem .9rem; }
dt { font-size: .88rem; color: var(--soft); }
dd { margin: 0; font-size: 1.4rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
dd.small { font-size: .85rem; margin-top: .15rem; }
figure { margin: 1rem 0 1.25rem; break-inside: avoid; }
figure svg { display: block; width: 100%; height: auto; }
figure svg text { font-family: "Helvetica Neue", Helvetica, Arial, "Liberation Sans",
  "DejaVu Sans", sans-serif !important; }
figcaption { font-size: .88rem; max-width: 56rem; margin-top: .4rem; }
.wide { overflow-x: auto; margin: 0 0 1.25rem; }
table { border-collapse: collapse; width: 100%; font-size: .88rem;
  font-variant-numeric: tabular-nums lining-nums; }
caption { text-align: left; padding: 0 0 .4rem; caption-side: top; }
th, td { padding: .28rem .6rem; text-align: left; vertical-align: top; font-weight: 400;
  border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { padding-left: .2rem; }
thead th { vertical-align: bottom; font-weight: 600; border-bottom: 1.5px solid var(--ink);
  line-height: 1.25; }
thead td, thead .over { border-bottom: 0; }
.over { text-align: center; border-bottom: 1px solid var(--rule) !important; }
.num { text-align: right; white-space: nowrap; }
thead .num { white-space: normal; }
tbody th { overflow-wrap: anywhere; min-width: 7rem; }
tbody .head th { font-weight: 600; padding-top: .8rem; border-bottom-color: var(--soft); }
.total th, .total td { font-weight: 600; border-top: 1px solid var(--soft); }
code { font-size: .85em; overflow-wrap: anywhere; }
.chooser { display: none; flex-wrap: wrap; gap: .5rem 1.5rem; margin: .5rem 0 1rem;
  padding: .6rem .9rem; background: var(--tint); }
.js .chooser { display: flex; }
select { font: inherit; font-size: .92rem; margin-left: .4rem; max-width: 22rem; padding: .15rem; }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 2.5rem; }
@media (max-width: 60rem) { .pair { grid-template-columns: 1fr; } }
@media screen { .js .away { display: none; } }
footer { border-top: 1px solid var(--rule); padding-top: 1rem; font-size: .88rem; }
@media print {
  @page { margin: 16mm 14mm; }
  body, body.two { font-size: 10pt; max-width: none; padding: 0; }
  nav, .chooser, .js .chooser, .skip { display: none; }
  section { margin: 1.5rem 0; }
  h2, h3, caption { break-after: avoid; }
  tr, .cards div, figure { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  th, td { padding: .18rem .35rem; }
  .cards div { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  a { color: inherit; text-decoration: none; }
}
"""

SCRIPT = """
"use strict";
(() => {
  const segments = [...document.querySelectorAll("[data-segment]")];
  const column = document.getElementById("choose-column");
  const part = document.getElementById("choose-part");
  if (!column) return;
  document.documentElement.classList.add("js");
  const show = () => {
    for (const one of segments)
      one.classList.toggle("away", column.value !== "" && one.id !== column.value);
    for (const body of document.querySelectorAll("[data-part]"))
      body.classList.toggle("away",
        part && part.value !== "" && body.dataset.part !== part.value);
  };
  const follow = () => {
    const named = segments.find((one) => "#" + one.id === location.hash);
    if (named) { column.value = named.id; show(); named.scrollIntoView(); }
  };
  column.addEventListener("change", show);
  if (part) part.addEventListener("change", show);
  window.addEventListener("hashchange", follow);
  show();
  follow();
})();
"""
