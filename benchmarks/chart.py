"""`python -m benchmarks.chart RESULT.json... OUT.svg`: ratios to the floor, or studies, as bars."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.contenders import WHOLE

NAMES = {
    "floor": "floor: pyarrow decodes the columns",
    "dask_dataframe_processes": "cairo dask_dataframe, processes",
    "dask_dataframe_threads": "cairo dask_dataframe, threads",
    "dask_dataframe_packed": "cairo dask_dataframe, packed stock",
    "numpy_matrix": "NumPy, whole matrix in memory",
    "duckdb": "DuckDB SQL",
    "polars": "Polars streaming",
    "dask_delayed": "cairo dask_delayed",
    "pandas": "cairo pandas",
}
OURS, PEERS, FLOOR = "#0072b2", "#9aa5b1", "#1b2733"


def main(argv: list[str] | None = None) -> None:
    *sources, target = map(Path, sys.argv[1:] if argv is None else argv)
    results = [json.loads(source.read_text()) for source in sources]
    if "contender" in results[0]["table"][0]:
        draw(results[0], target)
    else:
        draw_studies(results, target)


def draw(result: dict[str, Any], target: Path) -> None:
    """Both stages' seconds over the floor's, shortest first, on a log scale."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import ScalarFormatter

    rows = [row for row in result["table"] if row["contender"] in NAMES]
    rows.sort(key=lambda row: row["median_s"], reverse=True)
    floor = next(row["median_s"] for row in rows if row["contender"] == "floor")
    style = {"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "cairo"}
    with mpl.rc_context(style):
        figure = Figure(figsize=(7.5, 0.5 + 0.36 * len(rows)), layout="constrained")
        ax = figure.subplots()
        for place, row in enumerate(rows):
            name = row["contender"]
            color = FLOOR if name == "floor" else OURS if "dask_dataframe" in name else PEERS
            spread = [[row["median_s"] - row["min_s"]], [row["max_s"] - row["median_s"]]]
            xerr = [[value[0] / floor] for value in spread]
            ax.barh(place, row["to_floor"], color=color, height=0.66)
            ax.errorbar(row["to_floor"], place, xerr=xerr, color="#d55e00", capsize=2, lw=1)
            text = f"{row['to_floor']:.2f} x, {row['median_s']:.2f} s"
            ax.text(1.06 * row["max_s"] / floor, place, text, va="center")
        ax.set_yticks(range(len(rows)), [NAMES[row["contender"]] for row in rows])
        ax.axvline(1.0, color=FLOOR, lw=0.8, ls=":")
        ax.set_xscale("log")
        low, high = min(r["min_s"] for r in rows) / floor, max(r["max_s"] for r in rows) / floor
        ax.set_xlim(min(low * 0.8, 0.5), high * 2.5)
        ax.xaxis.set_major_formatter(ScalarFormatter())
        ax.set_xlabel(
            f"seconds over the floor's, {int(result['stock']['buildings']):,} buildings, "
            f"{result['machine']['cores']} cores; line: least to most"
        )
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
        figure.savefig(target, metadata={"Date": None})


PLATFORM = "the platform's chain, 1,910 homes, 8 cores (published)", 1917.0
"""What one utility's chain of runs takes elsewhere [s]."""


def draw_studies(results: list[dict[str, Any]], target: Path) -> None:
    """Seconds of studies of several sizes, on a log scale."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import ScalarFormatter

    bars = [(*PLATFORM, PEERS)]
    for result in results:
        homes = int(result["stock"]["buildings"])
        for row in sorted(result["table"], key=lambda row: -row["runs"]):
            name = f"{row['runs']} run{'s' if row['runs'] > 1 else ''}, {homes:,} homes"
            bars.append((name, row["seconds"], OURS))
    bars.sort(key=lambda bar: -bar[1])
    style = {"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "cairo"}
    with mpl.rc_context(style):
        figure = Figure(figsize=(7.5, 0.5 + 0.36 * len(bars)), layout="constrained")
        ax = figure.subplots()
        for place, (_, seconds, color) in enumerate(bars):
            ax.barh(place, seconds, color=color, height=0.66)
            ax.text(1.06 * seconds, place, f"{seconds:,.1f} s", va="center")
        ax.set_yticks(range(len(bars)), [name for name, _, _ in bars])
        ax.set_xscale("log")
        ax.set_xlim(1.0, 2.5 * max(seconds for _, seconds, _ in bars))
        ax.xaxis.set_major_formatter(ScalarFormatter())
        ax.set_xlabel(f"seconds from start to exit, {results[0]['machine']['cores']} cores of ours")
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
        figure.savefig(target, metadata={"Date": None})


def stage_table(result: dict[str, Any]) -> str:
    """Median seconds of each stage of the whole runs, as Markdown."""
    import statistics

    columns = [name for name in WHOLE if name in result["runs"]]
    stages = [
        {
            key: statistics.median(run["stages"][key] for run in result["runs"][name])
            for key in result["runs"][name][0]["stages"]
        }
        for name in columns
    ]
    keys = list(dict.fromkeys(key for found in stages for key in found))
    lines = [f"| stage, s | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    lines += [
        f"| {key} | "
        + " | ".join(f"{found[key]:.2f}" if key in found else "" for found in stages)
        + " |"
        for key in keys
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
