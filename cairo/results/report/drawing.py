"""Figures as inline SVG: panels as wide as a telephone, colours that follow the page's scheme.

A panel's text is at least 12 pixels where the panel is `WIDTH` pixels wide, the narrowest a page
shows it; on wider screens panels stand beside each other.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cairo.results.report.page import Html, esc

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 350, 232
"""Of a panel, in the units of its drawing."""
TEXT = 12.2
"""Height of letters, in the same units."""
GREY, INK, SOFT, BLUE, ORANGE = "#b4bdc6", "#1b2733", "#566270", "#0072b2", "#d55e00"
GREEN, PURPLE, GRID = "#009e73", "#a65c8c", "#e6eaee"
"""Of Okabe and Ito's palette, which colour-blind readers tell apart."""
VARIABLES = {
    GREY: "bar",
    INK: "ink",
    SOFT: "soft",
    BLUE: "under",
    ORANGE: "over",
    GREEN: "green",
    PURPLE: "purple",
    GRID: "grid",
}
"""{colour: variable of the page's style}."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": TEXT,
    "axes.labelsize": TEXT,
    "xtick.labelsize": TEXT,
    "ytick.labelsize": TEXT,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid.axis": "y",
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}


@contextmanager
def drawing(name: str, height: float = HEIGHT) -> Iterator[Figure]:
    """A panel in the report's style."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        # Names in other scripts: the browser has letters that the layout's font lacks.
        warnings.simplefilter("ignore", UserWarning)
        yield Figure(figsize=(WIDTH / 72, height / 72), layout="constrained")


def svg(figure: Figure, name: str, title: str, description: str) -> Html:
    """The figure as an `<svg>` element; `name` keeps its ids apart from other charts'."""
    import io

    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="([^"]+)"', head)
    body = re.sub(r'(<[^<>]* )id="([^"]+)"', rf'\1id="{name}-\2"', body)
    body = body.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    body = re.sub(r'style="[^"]*"', _in_variables, body)
    body = re.sub(r"<[^<>]+>", _shortened, body)
    return Html(
        f'<svg viewBox="{box.group(1) if box else ""}" role="img" '
        f'aria-labelledby="{name}-name {name}-about">'
        f'<title id="{name}-name">{esc(title)}</title>'
        f'<desc id="{name}-about">{esc(description)}</desc>{body}'
    )


def _in_variables(style: re.Match[str]) -> str:
    """A style attribute whose colours of the palette are the page's variables."""
    text = style.group()
    for color, name in VARIABLES.items():
        text = text.replace(color, f"var(--{name})")
    return text


def _shortened(tag: re.Match[str]) -> str:
    """A tag whose numbers have two digits behind the point, finer than any screen."""
    text = re.sub(r"\d+\.\d{3,}", lambda one: f"{float(one.group()):.2f}", tag.group())
    return re.sub(r"\s+", " ", text)


def panel(chart: Html, title: str, note: str = "") -> Html:
    """A chart under its title."""
    more = f'<span class="note">{esc(note)}</span>' if note else ""
    return Html(f'<div class="panel"><p class="over-panel">{esc(title)}{more}</p>{chart}</div>')


def legend(items: Sequence[tuple[str, str]]) -> Html:
    """What colours and lines are: (class of the mark, words)."""
    marks = "".join(
        f'<li><span class="mark {kind}" aria-hidden="true"></span>{esc(words)}</li>'
        for kind, words in items
    )
    return Html(f'<ul class="legend">{marks}</ul>')


def panels(
    charts: Sequence[Html],
    caption: str,
    marks: Sequence[tuple[str, str]] = (),
    row: int | None = None,
) -> Html:
    """Panels of one figure, beside each other where there is room, and what they show.

    row : panels that belong beside each other; all by default.
    """
    row = row or len(charts)
    kind = "panels one" if row == 1 else "panels"
    rows = "".join(
        f'<div class="{kind}">{"".join(charts[first : first + row])}</div>'
        for first in range(0, len(charts), row)
    )
    above = legend(marks) if marks else ""
    return Html(f"<figure>{above}{rows}<figcaption>{esc(caption)}</figcaption></figure>")
