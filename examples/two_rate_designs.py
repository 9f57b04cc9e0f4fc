"""Who pays more when heat pump homes move to a time-of-use rate?

    python examples/two_rate_designs.py [DEMO_FOLDER]

Runs the demo's flat rate and its time-of-use rate for heat pump homes, and prints how the annual
electric bill and the bill alignment of each group change. Write the demo first: `cairo demo`.
"""

import sys
from pathlib import Path

import pandas as pd

import cairo

GROUP = "postprocess_group.has_hp"


def annual_bills(run: cairo.Run) -> pd.Series:
    """Annual electric bill of each home [$]."""
    bills = run.bills[run.bills["month"] == "Annual"]
    return bills.set_index("bldg_id")["bill_level"]


def main(demo: Path) -> None:
    scenario = demo / "rates" / "scenarios" / "scenarios_demo.yaml"
    flat = cairo.run(scenario, "demo_flat_precalc")
    tou = cairo.run(scenario, "demo_hp_tou_precalc")
    homes = flat.metadata.set_index("bldg_id")
    table = pd.DataFrame(
        {
            "change of bill [$]": annual_bills(tou) - annual_bills(flat),
            "alignment, flat [$]": flat.bat.set_index("bldg_id")["BAT_vol"],
            "alignment, time of use [$]": tou.bat.set_index("bldg_id")["BAT_vol"],
        }
    )
    weighted = table.mul(homes["weight"], axis=0).groupby(homes[GROUP]).sum()
    print(weighted.div(homes.groupby(GROUP)["weight"].sum(), axis=0).round(2).to_string())
    print(f"side by side: cairo report {flat.path} {tou.path}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "cairo_demo"))
