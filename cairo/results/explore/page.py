"""The page: its frame in HTML, with style, scripts and data inside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources

from cairo.results.explore.charts import bokeh_script, charts
from cairo.results.explore.data import ExploreRun
from cairo.results.explore.payload import Facts
from cairo.results.report.numbers import count, short_dollars
from cairo.results.report.page import DOI, Html, esc, join, section, whole_page

SCRIPTS = (
    "bills.js", "data.js", "designs.js", "files.js", "statistics.js", "words.js", "controls.js",
    "charts.js", "results.js", "page.js",
)  # fmt: skip
"""Of the folder `web`, each after those it needs."""


def page(runs: Sequence[ExploreRun], facts: Facts, numbers: str) -> str:
    """The whole file.

    facts, numbers : from `payload`.
    """
    scripts = [bokeh_script(), *(web(name) for name in SCRIPTS)]
    drawn = charts([str(one["label"]) for one in _list(facts["allocations"])])
    pictures = (
        data_element(f"chart-{name}", "application/json", Html(one)) for name, one in drawn.items()
    )
    run = runs[0].run
    body = f"""<a class="skip" href="#results">Skip to the results</a>
<header>
<p class="kind">Rate explorer</p>
<h1>{esc(run.name)}</h1>
<p class="facts">{esc(_facts(runs))}</p>
</header>
<noscript><p class="error">This page computes as you turn it, and needs JavaScript.</p></noscript>
<main>
{SUMMARY}
<div class="columns">
{ASIDE}
<div class="results" id="results" tabindex="-1">
{_results(runs, bool(facts["income"]))}
</div>
</div>
</main>
{_footer(runs)}
<p id="bottom"><span id="outcome-small"></span></p>
<p id="said" class="unseen" role="status"></p>
{data_element("facts", "application/json", json.dumps(facts, allow_nan=False))}
{data_element("numbers", "text/plain", numbers)}
{join(pictures)}"""
    return whole_page(f"Rate explorer – {run.name}", web("page.css"), body, scripts)


def web(name: str) -> str:
    """A file of the folder `web`."""
    return (resources.files("cairo.results.explore") / "web" / name).read_text(encoding="utf-8")


def data_element(name: str, kind: str, text: str) -> Html:
    """Data that no browser runs, and that cannot end its element whatever it holds."""
    return Html(
        f'<script id="{esc(name)}" type="{kind}">{text.replace("<", chr(92) + "u003c")}</script>'
    )


def _list(value: object) -> list[Mapping[str, object]]:
    assert isinstance(value, list)
    return value


def _facts(runs: Sequence[ExploreRun]) -> str:
    run = runs[0].run
    parts = [f"{count(len(run.homes))} modelled homes for {count(run.customers)} customers"]
    if run.dollar_year:
        parts.append(f"{run.dollar_year} dollars")
    others = [one.run.name for one in runs[1:]]
    against = f"bills compared with those of {run.name}"
    return ", ".join([*parts, against + (f"; also {', '.join(others)}" if others else "")])


ASIDE = """<aside aria-label="The design">
<div class="bar" id="names" role="group" aria-label="Designs"></div>
<div class="bar"><button type="button" id="add">Add a copy</button>
<button type="button" id="remove">Remove</button>
<button type="button" id="reset">Reset</button></div>
<p id="start-label"><label>Begin from the rates of <select id="start"></select></label></p>
<div id="controls"></div>
<div class="bar"><button type="button" id="save">Save (URDB and scenario)</button>
<button type="button" id="link">Copy link</button></div>
<p class="small" id="save-note"></p>
</aside>"""

SUMMARY = Html("""<section id="summary" aria-labelledby="title">
<h2 id="title">The design in words</h2>
<p class="error" id="refused" hidden></p>
<p class="error" id="error" hidden></p>
<div id="said-in-words">
<ul id="words"></ul>
<p class="small" id="collects"></p>
<p class="outcome" id="outcome"></p>
</div></section>""")

CHOOSERS = Html("""<div class="choosers" role="group" aria-label="What is shown">
<label>Group by <select id="segment"></select></label> <span class="small" id="segment-note"></span>
<label>Group <select id="group"></select></label>
<label>Residual shared by <select id="allocation"></select></label>
</div>""")


def _chart(name: str, title: str, caption: str) -> Html:
    """A place that a chart is put into."""
    return Html(
        f'<figure><h3>{esc(title)}</h3><div class="chart" id="place-{name}" data-chart="{name}" '
        f'role="img" aria-label="{esc(title)}"></div><figcaption>{caption}</figcaption></figure>'
    )


def _key(kind: str, text: str) -> str:
    return f'<span class="key key-{kind}"></span>{text} '


def _table(body: str, caption: str, head: Sequence[str] = (), head_id: str = "") -> Html:
    names = "".join(f'<th scope="col">{esc(name)}</th>' for name in head)
    named = f' id="{head_id}"' if head_id else ""
    return Html(
        f'<p class="small">{esc(caption)}</p>'
        f'<div class="wide" tabindex="0" role="region" aria-label="{esc(caption)}"><table>'
        f"<thead><tr{named}>{names}</tr></thead>"
        f'<tbody id="{body}"></tbody></table></div>'
    )


def _results(runs: Sequence[ExploreRun], has_income: bool) -> Html:
    before = runs[0].run.name if len(runs) > 1 else "the run"
    pair = _key("run", esc(before)) + _key("design", "this design")
    mark = "Bars: this design. Diamonds: " + esc(before) + "."
    group = '<span data-group=""></span>'
    bars = (
        _key("chosen", group)
        + _key("rest", "other customers")
        + '<span id="lines"></span> The outermost bars hold all beyond them.'
    )
    parts = [
        CHOOSERS,
        section(
            "changes",
            "Who pays more, who less",
            Html('<div class="pair">'),
            _chart("dollars", "Change of annual bills in dollars", bars),
            _chart(
                "percent",
                "Change of annual bills in percent",
                "The same customers, by the change as a part of the bill before; one of nothing "
                "counts as unchanged.",
            ),
            Html("</div>"),
        ),
        section(
            "pays-and-costs",
            "What the group pays and what it costs",
            Html('<p id="pays-words"></p><div class="pair">'),
            _chart(
                "pays",
                "Mean costs and bills of the group",
                _key("run", "costs to serve") + _key("share", "share of the residual")
                + _key("design", f"bill of {group}"),
            ),
            _chart("alignment", "Bill alignment of the group by allocation", pair),
            Html("</div>"),
            _table(
                "alignment-rows",
                "Bill less costs of the group [$ a customer and year]; above zero it pays more "
                "than its costs.",
                ["Residual shared by", "Costs", "Before", "This design"],
            ),
        ),
        section(
            "segments",
            "By segment",
            _chart("segment", "Bill alignment by group", mark),
            _table("segment-rows", SEGMENT_CAPTION, [*SEGMENT_HEAD, *(INCOME_HEAD * has_income)]),
        ),
    ]  # fmt: skip
    if has_income:
        with_gas = " Electricity and gas." if "gas" in runs[0].run.bills else " Electricity."
        parts.append(
            section(
                "income",
                "Share of income",
                Html('<p id="income-words"></p>'),
                _chart(
                    "income",
                    "Energy bills of a group of customers, % of their income",
                    mark + with_gas,
                ),
            )
        )
    parts.append(
        section(
            "designs",
            "Designs side by side",
            _table("designs-rows", "The run and the designs.", head_id="designs-head"),
        )
    )
    return join(parts)


SEGMENT_CAPTION = (
    "Bills, costs and bill alignment [$ a customer and year] of each group. Alignment is bill "
    "less cost; above zero the group pays more than its costs."
)
SEGMENT_HEAD = (
    "Group", "Customers", "Pay more", "Pay less", "Over 10% more", "Bill", "Change", "Change, %",
    "Costs", "Alignment before", "Alignment",
)  # fmt: skip
INCOME_HEAD = ("% of income before", "% of income")


def _footer(runs: Sequence[ExploreRun]) -> str:
    first = runs[0]
    held = [
        "Use stays as it is in the run: customers do not respond to the rates on this page"
        + (" (what they did in response in the run stays)." if first.run.response else "."),
        f"Energy prices are solved so that rates collect {short_dollars(first.collected)} a year "
        "before taxes, all customers together or each tariff its share.",
        "Costs to serve, residual shares, export credits' ratio or price, fuel adjustments and "
        "demand charges stay as in the run.",
    ]
    if first.tax_rate or first.surcharge:
        held.append(
            "Bills hold the run's tax on the bill and surcharge per kWh, whose rates stay; so the "
            "tax moves with the bill."
        )
    if first.helped is not None:
        held.append(
            "Low-income assistance is worked out anew, for the same customers; everybody else "
            "pays for it per kWh."
        )
    if "gas" in first.run.bills:
        held.append("Gas bills stay; they count in shares of income alone.")
    items = "".join(f"<li>{esc(one)}</li>" for one in held)
    return (
        f"<footer><h2>What is held fixed</h2><ul>{items}</ul><p>Bill alignment: Simeone et al. "
        f"(2023), “The bill alignment test”, <cite>Utilities Policy</cite> 82, 101539, "
        f'<a href="{DOI}">doi:10.1016/j.jup.2023.101539</a>.</p></footer>'
    )
