"""The page itself: style, script, and the few pieces of HTML every section is made of."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Mapping, Sequence

from cairo.results.report.style import SCRIPT, STYLE

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


def cards(facts: Sequence[tuple[str, str, str]]) -> Html:
    """Headline numbers: name, value, what to know about it."""
    items = (
        f"<div><dt>{esc(name)}</dt><dd>{esc(value)}</dd><dd class='small'>{esc(note)}</dd></div>"
        for name, value, note in facts
    )
    return Html(f'<dl class="cards">{"".join(items)}</dl>')


def remarks(title: str, texts: Sequence[str]) -> Html:
    """What a reader should know before all else; nothing without texts."""
    if not texts:
        return Html("")
    items = "".join(f"<li>{esc(text)}</li>" for text in texts)
    return Html(f'<div class="remarks"><h3>{esc(title)}</h3><ul>{items}</ul></div>')


def heading(text: str) -> Html:
    """A heading inside a section."""
    return Html(f"<h3>{esc(text)}</h3>")


def chooser(columns: Sequence[tuple[str, str]], label: str, parts: Mapping[str, str]) -> Html:
    """Menus that leave one column's table, and one part of its rows; unseen without scripts."""

    def menu(kind: str, label: str, every: str, items: Iterable[tuple[str, str]], at: str) -> str:
        options = "".join(
            f'<option value="{esc(value)}"{" selected" if value == at else ""}>{esc(text)}</option>'
            for value, text in [("", every), *items]
        )
        return f'<label>{esc(label)}<select class="choose-{kind}">{options}</select></label>'

    one_part = (
        menu("part", label.capitalize(), f"every {label}", parts.items(), "")
        if len(parts) > 1
        else ""
    )
    by = menu("column", "Group by", "every column", columns, columns[0][0])
    return Html(f'<div class="chooser">{by}{one_part}</div>')


def whole_page(title: str, style: str, body: str, scripts: Sequence[str], kind: str = "") -> str:
    """A file of HTML. It asks for nothing outside itself, and its policy would not let it.

    scripts : what it runs, in order, and nothing else. kind : CSS class of the body.
    """
    hashes = " ".join(f"'sha256-{_digest(one)}'" for one in scripts)
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"form-action 'none'; base-uri 'none'; script-src {hashes}"
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{esc(title)}</title>
<style>{style}</style>
</head>
<body{f' class="{kind}"' if kind else ""}>
{body}
{join(Html(f"<script>{one}</script>") for one in scripts)}
</body>
</html>
"""


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def document(
    title: str,
    subtitle: str,
    facts: str,
    sections: Sequence[tuple[str, str]],
    body: Html,
    wide: bool = False,
) -> str:
    """The whole file of a report."""
    links = "".join(f'<li><a href="#{esc(name)}">{esc(text)}</a></li>' for name, text in sections)
    inside = f"""<a class="skip" href="#main">Skip to the results</a>
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
82, 101539, <a href="{DOI}">doi:10.1016/j.jup.2023.101539</a>.</p></footer>"""
    return whole_page(f"{title} – {subtitle}", STYLE, inside, [SCRIPT], "several" if wide else "")
