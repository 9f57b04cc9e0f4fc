"""Bokeh's figures of the page, empty: the page's script fills them and sets their ranges."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Literal

from bokeh.embed import json_item
from bokeh.models import (
    ColumnDataSource,
    FactorRange,
    LinearAxis,
    NumeralTickFormatter,
    Range,
    Range1d,
)
from bokeh.models.annotations import Span
from bokeh.plotting import figure
from bokeh.resources import Resources
from bokeh.transform import dodge

HEIGHT = 280
AMOUNT = "Bill less costs [$ a year]"
_ID = re.compile(r'"(p\d+)"')


def bokeh_script() -> str:
    """BokehJS, without widgets and tables, as one script."""
    return "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw)


def charts(allocations: Sequence[str]) -> dict[str, str]:
    """{name: JSON that BokehJS makes a figure of}; the same text every time.

    allocations : their labels.
    """
    figures = {
        "dollars": _histogram("Change of the annual bill [$]"),
        "percent": _histogram("Change of the annual bill [%]"),
        "alignment": _pairs(allocations),
        "segment": _across(AMOUNT),
        "pays": _stacked(),
        "income": _across("Energy bills, % of income"),
    }
    return {name: _plain(json.dumps(json_item(one))) for name, one in figures.items()}


def _plain(text: str) -> str:
    """The text with Bokeh's running numbers of models counted from one."""
    numbers: dict[str, str] = {}
    return _ID.sub(lambda found: f'"{numbers.setdefault(found[1], f"m{len(numbers) + 1}")}"', text)


def _empty(x: Range, y: Range, x_title: str | None, y_title: str | None) -> figure:
    made = figure(
        height=HEIGHT,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="",
        x_range=x,
        y_range=y,
        x_axis_label=x_title,
        y_axis_label=y_title,
        background_fill_alpha=0.0,
        border_fill_alpha=0.0,
        outline_line_color=None,
        min_border=0,
        min_border_right=16,
        min_border_top=8,
    )
    made.xgrid.grid_line_color = None
    for axis in (*made.xaxis, *made.yaxis):
        axis.minor_tick_line_color = None
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = "13px"
        axis.major_label_text_font_size = "12px"
        if isinstance(axis, LinearAxis):
            axis.update(formatter=NumeralTickFormatter(format="0,0.[0]"))
    return made


def _zero(one: figure, dimension: Literal["width", "height"]) -> None:
    one.add_layout(Span(location=0, dimension=dimension, line_width=1.5, name="zero"))


def _histogram(title: str) -> figure:
    """Bars of customers, those chosen below the others; lines of up to two other designs."""
    one = _empty(Range1d(start=0, end=1), Range1d(start=0, end=1), title, "Customers")
    bars = ColumnDataSource({"left": [], "right": [], "chosen": [], "all": []}, name="bars")
    one.quad(left="left", right="right", bottom=0, top="chosen", source=bars, name="chosen")
    one.quad(left="left", right="right", bottom="chosen", top="all", source=bars, name="rest")
    for number in (1, 2):
        line = ColumnDataSource({"x": [], "y": []}, name=f"points{number}")
        one.step(x="x", y="y", mode="after", line_width=2, source=line, name=f"line{number}")
    _zero(one, "height")
    return one


def _pairs(factors: Sequence[str]) -> figure:
    """Two bars a name, before and after."""
    names = FactorRange(factors=list(factors))
    one = _empty(names, Range1d(start=0, end=1), None, AMOUNT)
    bars = ColumnDataSource({"name": [], "before": [], "after": []}, name="bars")
    for field, by in (("before", -0.2), ("after", 0.2)):
        one.vbar(x=dodge("name", by, range=names), top=field, width=0.36, source=bars, name=field)
    _zero(one, "width")
    return one


def _across(title: str) -> figure:
    """A bar a group, after, and a mark for before."""
    one = _empty(Range1d(start=0, end=1), FactorRange(), title, None)
    bars = ColumnDataSource({"name": [], "before": [], "after": []}, name="bars")
    one.hbar(y="name", right="after", height=0.6, source=bars, name="after")
    one.scatter(
        x="before", y="name", size=11, marker="diamond", line_width=1.5, source=bars, name="mark"
    )
    _zero(one, "height")
    one.ygrid.grid_line_color = None
    return one


def _stacked() -> figure:
    """What a group costs, in two parts, beside what it pays under each design."""
    one = _empty(FactorRange(), Range1d(start=0, end=1), None, "$ a year")
    bars = ColumnDataSource({"name": [], "burden": [], "share": [], "bill": []}, name="bars")
    one.vbar(x="name", top="burden", width=0.6, source=bars, name="burden")
    one.vbar(x="name", bottom="burden", top="share", width=0.6, source=bars, name="share")
    one.vbar(x="name", top="bill", width=0.6, source=bars, name="bill")
    _zero(one, "width")
    return one
