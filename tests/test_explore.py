"""The explorer page in a real browser: its bills against `cairo run`, its controls, its files."""

from __future__ import annotations

import copy
import json
import re
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
import yaml

import cairo
from cairo.errors import CairoError
from cairo.results.explore import write_explorer
from cairo.results.explore.saved import saved_settings
from tests.devtools import Page, browser, needs_browser
from tests.whole_runs import IN_PROCESS, Demo, make_demo

HOMES = 14
READY = "document.documentElement.dataset.ready === 'yes'"
ELECTRIC = "rates/tariffs/electric"
SUMMER = range(5, 9)
BILL_RTOL = 1e-9

MIXED = IN_PROCESS | {
    "run_type": "precalc",
    "utility_tax_rate": 0.04,
    "energy_surcharge_rate": 0.003,
    "low_income_strategy": "generic",
    "low_income_participation_target": 0.6,
}
"""One rate level for three tariffs, with taxes and assistance."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    place = tmp_path_factory.mktemp("explore")
    made = Demo(make_demo(place / "source", HOMES), place / "demo")
    made.settings(MIXED, "demo_mixed_default")
    for run in ("demo_flat_precalc", "demo_hp_tou_precalc"):
        made.settings(IN_PROCESS, run)
    return made


@pytest.fixture(scope="module")
def runs(demo: Demo) -> dict[str, Path]:
    names = ["demo_mixed_default", "demo_hp_tou_precalc", "demo_flat_precalc"]
    found = cairo.study(demo.scenario, names, output_dir=demo.folder / "base")
    return {name: found.runs[name].path for name in names}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as page:
        # So low that no chart is in sight: those out of sight wait, and tests do not.
        page.size(1280, 200)
        yield page


def link(*designs: dict[str, Any], active: int = 0) -> str:
    """What a page's address ends in that holds designs."""
    return f"#{quote(json.dumps({'a': active, 'd': designs}))}"


def follow(chromium: Page, address: str) -> None:
    """Follow a link within the page that is open."""
    chromium.run(
        "new Promise((done) => { addEventListener('hashchange', () => setTimeout(done), "
        f"{{ once: true }}); location.hash = {json.dumps(address)}; }})"
    )


def shown_bills(chromium: Page) -> np.ndarray:
    return np.array(chromium.run("Explorer.bills()"))


def run_bills(run: Path) -> np.ndarray:
    frame = pd.read_csv(run / "cross_subsidization" / "cross_subsidization_BAT_values.csv")
    return frame["Annual"].to_numpy()


# The arithmetic


def seasonal(item: dict[str, Any], factor: float) -> dict[str, Any]:
    """A URDB tariff whose periods are split by season, the summer ones `factor` times as dear."""
    item = copy.deepcopy(item)
    periods = item["energyratestructure"]
    item["energyratestructure"] = periods + [
        [tier | {"rate": tier["rate"] * factor} for tier in tiers] for tiers in periods
    ]
    for name in ("energyweekdayschedule", "energyweekendschedule"):
        item[name] = [
            [period + len(periods) * (month in SUMMER) for period in hours]
            for month, hours in enumerate(item[name])
        ]
    return item


def drawn(rng: np.random.Generator, demo: Demo, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A tariff with charges drawn at random: (as the page's link has it, as URDB)."""
    item = json.loads((demo.folder / ELECTRIC / f"{key}.json").read_text())["items"][0]
    fixed, summer = round(rng.uniform(0, 30), 2), round(rng.uniform(1, 2), 2)
    minimum = round(rng.choice([0.0, rng.uniform(20, 90)]), 2)
    annual = round(rng.choice([0.0, rng.uniform(300, 1500)]), 2)
    # Lowest is 1, in a winter month, so that a precalc run's four decimals hold them whole.
    ratio = [[round(rng.uniform(1, 3), 2) for _ in tiers] for tiers in item["energyratestructure"]]
    ratio[0][0] = 1.0
    design: dict[str, Any] = {"f": fixed, "m": minimum, "a": annual, "s": summer, "x": ratio}
    for tiers, prices in zip(item["energyratestructure"], ratio, strict=True):
        for tier, price in zip(tiers, prices, strict=True):
            tier["rate"] = price
    if key == "tiered":
        limit = round(rng.uniform(100, 900))
        item["energyratestructure"][0][0]["max"] = float(limit)
        design["l"] = [[limit, None]]
    item |= {"fixedchargefirstmeter": fixed, "mincharge": minimum, "annualmincharge": annual}
    return design, {"items": [seasonal(item, summer)]}


def design_run(
    rng: np.random.Generator, demo: Demo, base: str, name: str, shares: dict[str, float] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(a design of a base run as the page's link has it, the run that solves for its rates)."""
    settings = yaml.safe_load(demo.scenario.read_text())["runs"][base]
    paths, design = {}, {}
    for alias, path in settings["path_tariffs_electric"].items():
        key = Path(path).stem
        design[key], tariff = drawn(rng, demo, key)
        place = demo.folder / "rates" / "designs" / name / f"{key}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(tariff))
        paths[alias] = f"designs/{name}/{key}.json"
    run = settings | {"path_tariffs_electric": paths, "run_name": name}
    if shares is None:
        return {"r": 0, "u": [month + 1 for month in SUMMER], "t": design}, run
    for key, share in shares.items():
        design[key]["h"] = share
    stored = yaml.safe_load((demo.folder / "rates/rev_requirement/demo.yaml").read_text())
    total = stored["total_delivery_and_supply_revenue_requirement"]
    split = {"hp": shares["hp_tou"] * total, "non-hp": shares["flat"] * total}
    nothing = dict.fromkeys(split, 0.0)
    stored |= {
        "total_delivery_revenue_requirement": total,
        "subclass_revenue_requirements": {
            "delivery": {"percustomer": split},
            "supply": {"passthrough": nothing},
        },
    }
    path = demo.folder / "rates" / "rev_requirement" / f"{name}.yaml"
    path.write_text(yaml.safe_dump(stored))
    run["utility_revenue_requirement"] = f"rev_requirement/{name}.yaml"
    return {"r": 1, "u": [month + 1 for month in SUMMER], "t": design}, run


@needs_browser
def test_thirty_designs_bill_in_the_browser_what_runs_bill(
    demo: Demo, runs: dict[str, Path], chromium: Page, tmp_path: Path
) -> None:
    rng = np.random.default_rng(12)
    designs, wanted = {}, {}
    for number in range(30):
        name = f"design_{number:02d}"
        part = round(rng.uniform(0.2, 0.8), 3)
        shares = {"hp_tou": part, "flat": 1 - part} if number % 2 else None
        base = "demo_hp_tou_precalc" if number % 2 else "demo_mixed_default"
        designs[name], wanted[name] = design_run(rng, demo, base, name, shares)
    scenario = demo.folder / "rates" / "scenarios" / "designs.yaml"
    scenario.write_text(yaml.safe_dump({"runs": wanted}))
    found = cairo.study(scenario, list(wanted), output_dir=tmp_path / "runs")
    page = write_explorer(
        [runs["demo_mixed_default"], runs["demo_hp_tou_precalc"]], output=tmp_path / "page.html"
    )
    chromium.open(page.as_uri(), READY)
    for name, design in designs.items():
        follow(chromium, link(design))
        if name in found.failed:
            assert "cannot be met" in str(found.failed[name])
            assert "alone collect more" in chromium.run("document.body.innerText")
            continue
        bills, expected = shown_bills(chromium), run_bills(found.runs[name].path)
        np.testing.assert_allclose(bills, expected, BILL_RTOL, BILL_RTOL, err_msg=name)
        assert np.abs(bills - run_bills(runs["demo_mixed_default"])).max() > 1.0
    assert len(found.runs) >= 24
    assert chromium.said == []


# The page


@pytest.fixture(scope="module")
def page(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = ("demo_mixed_default", "demo_flat_precalc")
    place = tmp_path_factory.mktemp("page") / "page.html"
    return write_explorer([runs[name] for name in names], output=place)


@pytest.fixture
def opened(chromium: Page, page: Path) -> Page:
    chromium.open(page.as_uri(), READY)
    chromium.said.clear()
    return chromium


def text(chromium: Page, name: str) -> str:
    """What is seen of an element; nothing of a hidden one."""
    one = f"document.getElementById('{name}')"
    shown: str = chromium.run(f"{one}.checkVisibility() ? {one}.innerText : ''")
    return shown


def turned(chromium: Page, place: int, kind: str) -> None:
    """Move a slider, or write into a field, as a reader would."""
    chromium.run(
        f"""(() => {{
          const one = document.querySelectorAll("input[type={kind}]")[{place}];
          one.focus({{ preventScroll: true }});
          one.value = Number(one.value) * 1.25 + (one.type === "range" ? 5 * Number(one.step) : 1);
          one.dispatchEvent(new Event("input", {{ bubbles: true }}));
          one.blur(); }})()"""
    )
    chromium.frames()


@needs_browser
@pytest.mark.parametrize("kind", ["range", "number"])
def test_every_number_moves_bills_and_none_moves_revenue(
    opened: Page, runs: dict[str, Path], kind: str
) -> None:
    weight = pd.read_csv(runs["demo_mixed_default"] / "customer_metadata.csv")["weight"].to_numpy()
    # A level for each tariff, so that shares can be turned as well.
    opened.run("document.querySelector('[data-name=own]').click()")
    opened.frames()
    before = shown_bills(opened)
    np.testing.assert_allclose(before, run_bills(runs["demo_mixed_default"]), rtol=1e-6)
    names = opened.run(
        f"[...document.querySelectorAll('input[type={kind}]')]"
        ".map((one) => one.checkVisibility() ? one.dataset.name : '')"
    )
    shown = [name for name in names if name]
    ends = ("fixed", "minimum", "annualMinimum", "summer", "share", "limit 0 0", "ratio 3 0")
    assert {end for end in ends for name in shown if name.endswith(end)} == set(ends)
    for place, name in enumerate(names):
        if not name:
            continue
        kept = opened.run("structuredClone(Explorer.state.designs[0])")
        turned(opened, place, kind)
        after = shown_bills(opened)
        # A floor below all bills moves none.
        if not name.endswith(("minimum", "annualMinimum")):
            assert np.abs(after - before).max() > 0.01, name
        assert weight @ after == pytest.approx(weight @ before, rel=1e-9), name
        assert text(opened, "error") == ""
        opened.run(f"Explorer.set({json.dumps(kept)})")
        opened.frames()
    assert opened.said == []


@needs_browser
def test_a_floor_that_is_above_bills_raises_them(opened: Page) -> None:
    before = shown_bills(opened)
    opened.run(
        """(() => { const one = document.querySelector("input[type=number][data-name$=' minimum']");
        one.value = 120; one.dispatchEvent(new Event("input")); })()"""
    )
    opened.frames()
    after = shown_bills(opened)
    assert (after > before + 1).any() and (after < before - 1).any()
    assert "at least $120.00 a month" in text(opened, "words")


@needs_browser
def test_every_menu_and_button_does_what_it_says(opened: Page) -> None:
    def chosen(name: str, value: str) -> None:
        opened.run(
            f"""(() => {{ const one = document.querySelector("{name}"); one.value = "{value}";
            one.dispatchEvent(new Event("change", {{ bubbles: true }})); }})()"""
        )
        opened.frames()

    def pressed(name: str) -> None:
        opened.run(f'document.querySelector("{name}").click()')
        opened.frames()

    words = text(opened, "words")
    for name, value, seen in (
        ("#segment", "1", "segment-rows"),
        ("#group", "1", "pays-words"),
        ("#allocation", "BAT_percustomer", "pays-words"),
    ):
        before = text(opened, seen)
        chosen(name, value)
        assert text(opened, seen) != before, name
    assert "Design A" in text(opened, "title")
    assert text(opened, "names").split("\n") == ["Design A", "Design B"]
    pressed("#add")
    assert opened.run("document.getElementById('add').disabled")
    assert "Design C" in text(opened, "title")
    assert text(opened, "designs-head").split("\t")[2:] == ["Design A", "Design B", "Design C"]
    chosen("#start", "1")
    assert text(opened, "words") != words
    pressed("#remove")
    pressed("[data-name='design A']")
    assert text(opened, "words") == words
    opened.run(
        """(() => { const one = document.querySelector("input[type=number][data-name$=' summer']");
        one.value = 1.5; one.dispatchEvent(new Event("input")); })()"""
    )
    opened.frames()
    before = shown_bills(opened)
    chosen("[data-name='summer first']", "4")
    assert np.abs(shown_bills(opened) - before).max() > 0.01
    chosen("[data-name='summer last']", "9")
    assert "May–Oct" in text(opened, "controls")
    levels = opened.run("Explorer.levels()")
    assert len(set(levels)) == 1
    pressed("[data-name=own]")
    assert opened.run("document.querySelector('[data-name=own]').checked")
    pressed("#reset")
    assert text(opened, "words") == words
    pressed("#link")
    assert opened.run("location.hash").startswith("#%7B")
    assert opened.said == []


@needs_browser
def test_a_slider_follows_the_keyboard(opened: Page) -> None:
    before = shown_bills(opened)
    opened.run("document.querySelector('input[type=range]').focus()")
    for kind in ("keyDown", "keyUp"):
        opened.send("Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight",
                    windowsVirtualKeyCode=39)  # fmt: skip
    opened.frames()
    assert np.abs(shown_bills(opened) - before).max() > 0.01


@needs_browser
def test_a_link_opens_the_designs_it_was_copied_from(opened: Page, page: Path) -> None:
    first = {"r": 0, "t": {"flat": {"f": 21.5}}}
    second = {"r": 1, "u": [6, 7, 8], "t": {"flat": {"s": 1.7, "m": 30}}}
    follow(opened, link(first, second, active=1))
    bills, words = shown_bills(opened), text(opened, "words")
    opened.run("document.getElementById('link').click()")
    address = opened.run("location.href")
    opened.open(address, READY)
    assert shown_bills(opened).tolist() == bills.tolist()
    assert text(opened, "words") == words
    assert text(opened, "names").split("\n") == ["Design A", "Design B"]


@needs_browser
def test_a_link_is_not_lost_to_a_change_just_before(opened: Page) -> None:
    address = link({"r": 0, "t": {"flat": {"f": 33}}})
    opened.run(
        "new Promise((done) => { Explorer.set({ ...Explorer.state.designs[0] });"
        # The page writes its address 400 ms after a change: within the wait below, without a
        # chance for the link before it.
        f"setTimeout(() => {{ location.hash = {json.dumps(address)};"
        "const begun = Date.now(); while (Date.now() - begun < 500);"
        "setTimeout(done, 50); }, 30); })"
    )
    assert opened.run("Explorer.state.designs[0].tariffs[0].fixed") == 33


@needs_browser
def test_a_link_that_does_not_fit_is_said(opened: Page) -> None:
    for address in (
        "#%7B",
        link({"r": 7}),
        link(),
        link({"r": 0, "t": {"absent": {"f": 1}}}),
        link({"r": 0, "t": {"flat": {"f": "<b>"}}}),
        link({"r": 0, "t": {"flat": {"x": [[1, 2]]}}}),
        link({"r": 0, "t": {"flat": {"constructor": 1}}}),
    ):
        follow(opened, address)
        assert "cannot be opened" in text(opened, "refused"), address
        assert opened.run("Explorer.bills().length") == HOMES
        follow(opened, link({"r": 0, "t": {"flat": {"f": 2}}}))
        assert text(opened, "refused") == ""
    follow(opened, "#results")
    assert text(opened, "refused") == ""
    assert opened.said == []


@needs_browser
def test_rates_that_cannot_be_are_said(opened: Page) -> None:
    floors = {key: {"m": 9000} for key in ("flat", "hp_tou", "tiered")}
    follow(opened, link({"r": 0, "t": floors}))
    assert "alone collect more than is to be collected" in text(opened, "error")
    assert opened.run("document.getElementById('save').disabled")


@needs_browser
def test_a_saved_design_is_run_by_the_command(opened: Page, tmp_path: Path) -> None:
    design = {
        "r": 0,
        "u": [6, 7, 8, 9],
        "t": {
            "flat": {"f": 17.25, "m": 40, "s": 1.37},
            "hp_tou": {"s": 0.9, "a": 700},
            "tiered": {"l": [[333, None]], "s": 1.2, "m": 20, "a": 400},
        },
    }
    follow(opened, link(design))
    saved, run = saved_run(opened, tmp_path, "demo_mixed_default_design_a")
    np.testing.assert_allclose(run_bills(run), shown_bills(opened), BILL_RTOL, BILL_RTOL)
    assert {path.name for path in (saved / "tariffs").iterdir()} == {
        "flat.json", "hp_tou.json", "tiered.json",
    }  # fmt: skip
    flat = json.loads((saved / "tariffs" / "flat.json").read_text())["items"][0]
    assert len(flat["energyratestructure"]) == 2
    assert [row[0] for row in flat["energyweekdayschedule"]] == [0] * 5 + [1] * 4 + [0] * 3


def saved_run(chromium: Page, folder: Path, name: str) -> tuple[Path, Path]:
    """Save the design that is shown, and run it: (folder of what was saved, run directory)."""
    chromium.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    chromium.run("document.getElementById('save').click()")
    place = folder / f"{name}.zip"
    for _ in range(500):
        if place.is_file():
            break
        time.sleep(0.02)
    with zipfile.ZipFile(place) as packed:
        assert packed.testzip() is None
        packed.extractall(folder / "saved")
    run = cairo.run(folder / "saved" / "scenario.yaml", name, output_dir=folder / "outputs")
    return folder / "saved", run.path


def odd_tariff(item: dict[str, Any], key: str) -> None:
    """A tariff with demand charges, fuel adjustments, and tiers by day or by peak."""
    if key == "flat":
        item |= {
            "fueladjustmentsmonthly": [0.001 * month for month in range(12)],
            "flatdemandstructure": [[{"rate": 2.5}]],
            "flatdemandmonths": [0] * 12,
            "demandrateunit": "kW",
        }
        return
    unit, most = ("kWh daily", 9.0) if key == "tiered" else ("kWh/kW", 60.0)
    item["energyratestructure"] = [
        [{"rate": tiers[0]["rate"], "unit": unit, "max": most}, {"rate": 0.4, "unit": unit}]
        for tiers in item["energyratestructure"]
    ]


@needs_browser
@pytest.mark.parametrize("style", ["net_metering", "net_billing"])
def test_all_that_tariffs_may_charge_is_billed(
    demo: Demo, chromium: Page, tmp_path: Path, style: str
) -> None:
    odd = Demo(demo.folder, tmp_path / "odd")
    for key in ("flat", "hp_tou", "tiered"):
        place = odd.folder / ELECTRIC / f"{key}.json"
        tariff = json.loads(place.read_text())
        odd_tariff(tariff["items"][0], key)
        place.write_text(json.dumps(tariff))
    run = "demo_mixed_default"
    settings = {"solar_pv_compensation": style, "solar_pv_export_import_ratio": 0.6}
    odd.settings(settings | {"run_type": "default"}, run)
    place = odd.run(run, output_dir=tmp_path / "base")
    chromium.open(write_explorer([place]).as_uri(), READY)
    np.testing.assert_allclose(shown_bills(chromium), run_bills(place), BILL_RTOL, BILL_RTOL)
    changed = {
        "flat": {"f": 20, "s": 1.5},
        "hp_tou": {"l": [[40, None]] * 4, "x": [[1, 3], [1.5, 3], [1, 3.5], [4, 6]]},
        "tiered": {"l": [[12, None]], "m": 45},
    }
    follow(chromium, link({"r": 0, "t": changed}))
    _, again = saved_run(chromium, tmp_path, f"{run}_design_a")
    bills = shown_bills(chromium)
    assert np.abs(bills - run_bills(place)).max() > 1.0
    np.testing.assert_allclose(run_bills(again), bills, BILL_RTOL, BILL_RTOL)


# The file


def test_nothing_outside_the_file_is_asked_for_and_no_other_script_runs(page: Path) -> None:
    content = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in content
    assert not re.search(r"<(link|img|iframe|object|script src)|@import", content)
    assert "unsafe-eval" not in content


def test_the_same_runs_give_the_same_bytes(runs: dict[str, Path], tmp_path: Path) -> None:
    place = runs["demo_flat_precalc"]
    one, two = (write_explorer([place], output=tmp_path / name) for name in ("1", "2"))
    assert one.read_bytes() == two.read_bytes()


@needs_browser
def test_names_of_files_are_text_not_markup(
    runs: dict[str, Path], chromium: Page, tmp_path: Path
) -> None:
    place = Path(shutil.copytree(runs["demo_flat_precalc"], tmp_path / "run"))
    bad = "</script><script>document.title='x'</script><img src=x onerror=alert(1)>"
    homes = pd.read_csv(place / "customer_metadata.csv")
    homes[bad] = [bad, "b"] * (HOMES // 2)
    homes.to_csv(place / "customer_metadata.csv", index=False)
    record = json.loads((place / "run.json").read_text())
    record["run_name"] = bad
    (place / "run.json").write_text(json.dumps(record))
    chromium.said.clear()
    chromium.open(write_explorer([place]).as_uri(), READY)
    chromium.run(
        "(() => { const one = document.getElementById('segment');"
        "const is = (each) => each.name.includes('onerror=alert');"
        "one.value = Explorer.data.segments.findIndex(is);"
        "one.dispatchEvent(new Event('change')); })()"
    )
    assert chromium.run("document.querySelector('h1').textContent") == bad
    assert chromium.run("document.title") == f"Rate explorer – {bad}"
    assert "<img src=x onerror=alert(1)>" in text(chromium, "pays-words")
    assert chromium.run("document.querySelectorAll('img').length") == 0
    assert chromium.said == []


def test_a_run_without_determinants_and_bills_that_do_not_come_out_are_refused(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    place = Path(shutil.copytree(runs["demo_flat_precalc"], tmp_path / "run"))
    tariffs = json.loads((place / "tariff_final_config.json").read_text())
    tariffs["flat"]["ur_monthly_fixed_charge"] += 1.0
    (place / "tariff_final_config.json").write_text(json.dumps(tariffs))
    with pytest.raises(CairoError, match=f"the bills of {HOMES} homes do not come out again"):
        write_explorer([place])
    (place / "billing_determinants.parquet").unlink()
    with pytest.raises(CairoError, match=r"billing_determinants\.parquet does not exist"):
        write_explorer([place])
    assert not (place / "explore.html").exists()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("tier_rule", "month", "tiers that all periods of a month fill together"),
        ("net_metering_rollover", 1, "credits that are carried from month to month"),
    ],
)
def test_rules_that_the_page_does_not_bill_are_refused(
    runs: dict[str, Path], tmp_path: Path, field: str, value: object, says: str
) -> None:
    place = Path(shutil.copytree(runs["demo_mixed_default"], tmp_path / "run"))
    tariffs = json.loads((place / "tariff_final_config.json").read_text())
    tariffs["tiered"][field] = value
    (place / "tariff_final_config.json").write_text(json.dumps(tariffs))
    with pytest.raises(CairoError, match=f"tariff tiered has .*{says}"):
        write_explorer([place])


def test_the_number_of_runs_on_a_page_is_limited(runs: dict[str, Path]) -> None:
    with pytest.raises(CairoError, match="4 run directories, expected 1 to 3"):
        write_explorer([runs["demo_flat_precalc"]] * 4)


def test_a_saved_run_has_the_aliases_of_its_run_and_nothing_of_other_rates() -> None:
    given = {
        "path_resstock_loads": "loads",
        "run_type": "precalc",
        "run_name": "one",
        "path_tariffs_electric": {"hp": "a/tou.json", "rest": "b/all.json#flat", "no": "c/x.json"},
        "path_tariff_maps_electric": "map.csv",
        "tariff_changes": {"hp": {"rate_scale": 2}},
        "requirement_from": {"run": "other", "delivery": "epmc"},
        "run_includes_subclasses": True,
    }
    assert saved_settings(given, ["tou", "flat"]) == {
        "path_resstock_loads": "loads",
        "run_type": "default",
        "path_tariffs_electric": {
            "hp": "tariffs/tou.json", "rest": "tariffs/flat.json", "no": "c/x.json",
        },
        "path_tariff_maps_electric": "map.csv",
    }  # fmt: skip
    twice = {"hp": "a/same.json", "rest": "b/same.json"}
    without = {"path_resstock_loads": "loads", "path_tariffs_electric": twice}
    saved = saved_settings(without, ["hp", "rest"])
    assert saved is not None
    assert saved["path_tariffs_electric"] == {"hp": "tariffs/hp.json", "rest": "tariffs/rest.json"}
    assert saved_settings({"run_type": "default"}, ["flat"]) is None
