"""Runs of the demo with a caller's own functions in the place of CAIRO's.

`python tests/downstream.py CHECKOUT`: a checkout of the rate-design-platform, whose
`utils.mid.patches` puts them there. Its electric bills and bill alignment are those of the
`dask_dataframe` backend to 1e-9; its gas function is left out, as docs/differences.md says.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

import yaml

import cairo
from cairo.rates_tool.systemsimulator import MeetRevenueSufficiencySystemWide
from cairo.runs.demo import write_demo

RTOL = 1e-9


def main(checkout: str) -> None:
    gas = MeetRevenueSufficiencySystemWide._calculate_gas_bills
    sys.path.insert(0, checkout)
    importlib.import_module("utils.mid.patches")
    MeetRevenueSufficiencySystemWide._calculate_gas_bills = gas  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        scenario = write_demo(Path(folder) / "demo", 40)
        stored = yaml.safe_load(scenario.read_text())
        for values in stored["runs"].values():
            # The platform's own runner passes no compensation, and its functions credit none.
            values["solar_pv_compensation"] = None
        scenario.write_text(yaml.safe_dump(stored))
        for name in stored["runs"]:
            theirs = cairo.run(scenario, name, backend="pandas", workers=1)
            ours = cairo.run(scenario, name, backend="dask_dataframe", workers=1)
            for fuel in ("elec", "gas", "comb"):
                file = f"bills/{fuel}_bills_year_run.csv"
                one, other = (run.files.table(file)["bill_level"] for run in (theirs, ours))
                worst = float((one - other).abs().max() / other.abs().max())
                assert worst <= RTOL, f"{name} {file} differs by {worst:.2g}"
            # Theirs leave an allocation out.
            columns = [one for one in theirs.bat if one.startswith("BAT_") and one in ours.bat]
            indexed = [run.bat.set_index("bldg_id")[columns] for run in (theirs, ours)]
            apart = float((indexed[0] - indexed[1]).abs().max().max())
            assert apart <= RTOL * float(ours.bat["Annual"].abs().max())
            print(f"{name}: the same to {RTOL:g}")


if __name__ == "__main__":
    main(sys.argv[1])
