"""Reports in a real browser: at three widths, light and dark, on paper, and for all readers.

axe-core, which finds what keeps readers out, is no part of the package: `CAIRO_AXE` names its
`axe.min.js`, or it is in a `node_modules` of a folder above (`npm install axe-core`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import cairo
from cairo.results.report import write_report
from cairo.runs.demo import write_demo
from tests.devtools import Page, browser, needs_browser

pytestmark = needs_browser

WIDTHS = (390, 800, 1400)
SCHEMES = ("light", "dark")
SMALLEST = 12.0
PAPER = 688
"""Pixels between the margins of A4."""
PAGES = ("one.html", "two.html", "three.html")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages of one, two and three runs."""
    folder = tmp_path_factory.mktemp("looks")
    scenario = write_demo(folder / "demo", 24)
    names = ("demo_hp_tou_precalc", "demo_flat_precalc_delivery", "demo_mixed_default")
    runs = [cairo.run(scenario, name, backend="pandas", workers=1).path for name in names]
    for number, name in enumerate(PAGES, 1):
        write_report(*runs[:number], output=folder / name, tables=False)
    return folder


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


def show(page: Page, place: Path, width: int, scheme: str = "light") -> None:
    """Open a report as a reader with such a window and taste does."""
    page.size(width, 900, dark=scheme == "dark")
    page.open(place.as_uri())


SMALL_TEXT = """
(() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest("script, style, title, desc, option, thead, .skip")) continue;
    let size = parseFloat(getComputedStyle(element).fontSize);
    if (element.getScreenCTM) {
      const at = element.getScreenCTM();
      size *= Math.hypot(at.a, at.b);
    }
    if (size < SMALLEST) found.push([size, walker.currentNode.data.trim().slice(0, 40)]);
  }
  return found;
})()
""".replace("SMALLEST", str(SMALLEST - 0.01))

BEYOND = """
[...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility() && !one.closest(".skip, thead, svg, .wide"))
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)
  .map((one) => one.tagName + "." + one.className)
"""


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_its_window_in_letters_that_can_be_read(
    pages: Path, chromium: Page, name: str, width: int, scheme: str
) -> None:
    show(chromium, pages / name, width, scheme)
    assert chromium.run("document.documentElement.scrollWidth") <= width
    assert chromium.run(BEYOND) == []
    assert chromium.run(SMALL_TEXT) == []
    if width == WIDTHS[0]:
        scrolls = "[...document.querySelectorAll('.wide')].filter(o => o.scrollWidth > innerWidth)"
        assert chromium.run(f"{scrolls}.length") == 0
    paper = chromium.run("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 26, 31)"}[scheme]
    assert chromium.said == []  # an error, or something its policy refused


@pytest.mark.parametrize("name", PAGES)
def test_a_page_goes_on_paper_in_ink(pages: Path, chromium: Page, name: str) -> None:
    show(chromium, pages / name, PAPER, "dark")
    assert chromium.printed().startswith(b"%PDF-")
    chromium.show_as("print", dark=True)
    assert chromium.run("document.documentElement.scrollWidth") <= PAPER
    ink = chromium.run("getComputedStyle(document.body).color")
    assert ink == "rgb(27, 39, 51)"


def test_menus_leave_one_column_and_one_part(pages: Path, chromium: Page) -> None:
    show(chromium, pages / "three.html", WIDTHS[2])
    shown = "[...document.querySelectorAll('.grouped')].map(g => [...g.querySelectorAll("
    shown += "'[data-segment]:not(.away)')].length)"
    assert chromium.run(shown) == [1, 1]
    chosen = chromium.run(
        "(() => { const g = document.querySelector('.grouped');"
        " const [by, part] = g.querySelectorAll('select');"
        " by.value = by.options[3].value; by.dispatchEvent(new Event('change'));"
        " part.value = part.options[2].value; part.dispatchEvent(new Event('change'));"
        " const one = g.querySelector('[data-segment]:not(.away)');"
        " return [one.id === by.value,"
        "  [...one.querySelectorAll('tbody:not(.away)')].map(b => b.dataset.part === part.value)];"
        "})()"
    )
    assert chosen == [True, [True]]


def axe() -> Path | None:
    """Where axe-core's script is."""
    if named := os.environ.get("CAIRO_AXE"):
        return Path(named)
    above = Path(__file__).resolve().parents
    places = (folder / "node_modules" / "axe-core" / "axe.min.js" for folder in above)
    return next((place for place in places if place.is_file()), None)


@pytest.mark.skipif(axe() is None, reason="needs axe-core: CAIRO_AXE names its axe.min.js")
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_has_no_serious_finding(
    pages: Path, chromium: Page, name: str, width: int, scheme: str
) -> None:
    script = axe()
    assert script is not None
    show(chromium, pages / name, width, scheme)
    chromium.run(script.read_text(encoding="utf-8") + "; 0")
    found = chromium.run(
        "axe.run().then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact))"
        ".map(v => [v.id, v.impact, v.nodes.length, v.nodes[0].html.slice(0, 200)]))"
    )
    assert found == []
