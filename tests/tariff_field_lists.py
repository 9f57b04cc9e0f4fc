"""What is known of a tariff's fields, written down apart from the package's own lists.

Tests hold the package's lists against these, so that a wrong entry of the package's is seen.

References
----------
.. [1] OpenEI, Utility Rate Database API, version 8
   (https://openei.org/services/doc/rest/util_rates/?version=8).
.. [2] System Advisor Model, PySAM `Utilityrate5`.
"""

from __future__ import annotations

from typing import Any

from cairo.model.names import HOURS

EVENING = [[0] * 16 + [1] * 5 + [0] * 3] * 12

NAME = "a name"
DATE = "when it was in force or written: a run bills the tariff that it names"
WHOM = "whom it is for: the tariff map says who is on it"
URDB: dict[str, tuple[Any, str]] = {
    "label": ("539f6a06ec4f024411ec8bdd", NAME),
    "name": ("Rate 12.5", NAME),
    "uri": ("https://apps.openei.org/USURDB/rate/view/539f6a06ec4f024411ec8bdd", NAME),
    "utility": ("Utility 2", NAME),
    "utilityname": ("Utility 2", NAME),
    "eiaid": (4226, NAME),
    "country": ("USA", NAME),
    "zipcode": ("05401", NAME),
    "state": ("VT", NAME),
    "source": ("https://utility/3.pdf", NAME),
    "sourceparent": ("https://utility", NAME),
    "supersedes": ("539f6a06ec4f024411ec8bdc", NAME),
    "supercedes": ("539f6a06ec4f024411ec8bdc", "as supersedes, in another spelling"),
    "revisions": ([1, 2, 3], "when the record was edited"),
    "description": ("Riders of 0.3 cents are in the rates.", "free text"),
    "approved": (True, "by URDB's editors"),
    "is_default": (True, "among the utility's tariffs"),
    "readonly": (True, "of the record"),
    "rate_type": ("TOU", "a word for what the structures say"),
    "startdate": (1388534400, DATE),
    "enddate": (1419984000, DATE),
    "latest_update": (1419984000, DATE),
    "sector": ("Commercial", WHOM),
    "servicetype": ("Delivery", "what the rates are for: a run's files say what is billed"),
    "residentialtype": ("Electric heat", WHOM),
    "voltagecategory": ("Secondary", WHOM),
    "voltageminimum": (240, WHOM),
    "voltagemaximum": (480, WHOM),
    "phasewiring": ("Single Phase", WHOM),
    "peakkwcapacitymin": (5.0, WHOM),
    "peakkwcapacitymax": (10.0, WHOM),
    "peakkwcapacityhistory": (12, WHOM),
    "peakkwhusagemin": (500.0, WHOM),
    "peakkwhusagemax": (900.0, WHOM),
    "peakkwhusagehistory": (12, WHOM),
    "usenetmetering": (True, "whether it is offered: a run's solar compensation decides"),
    "fixedchargeeaaddl": (50.0, "of each meter after the first: a home has one"),
    "coincidentrateunit": ("kW", "a unit; coincidentratestructure has the price, and is refused"),
    "coincidentrateschedule": (EVENING, "hours of a price that is refused"),
    "demandwindow": (60, "minutes that demand is a mean of; others than 60 are warned of"),
}

OF_LATER_YEARS = "of years after the first, which a run has not"
SAM: dict[str, tuple[Any, str]] = {
    "ur_nb_apply_credit_current_month": (1, "of dollars that are carried"),
    "ur_nb_credit_expire": (1, "of dollars that are carried"),
    "system_use_lifetime_output": (1, OF_LATER_YEARS),
    "degradation": ([5.0], OF_LATER_YEARS),
    "rate_escalation": ([7.0], OF_LATER_YEARS),
    "load_escalation": ([7.0], OF_LATER_YEARS),
    "inflation_rate": (9.0, OF_LATER_YEARS),
    "analysis_period": (3, OF_LATER_YEARS),
}
ONE_CUSTOMERS: dict[str, tuple[Any, str]] = {
    "load": ([1.0] * HOURS, "one customer's use: homes have their own"),
    "gen": ([1.0] * HOURS, "one customer's generation: homes have their own"),
    "ur_yearzero_usage_peaks": ([50.0] * 12, "one customer's: docs/pysam.md, billing demand"),
    "number_inputs": (44, "of the JSON file of a case: SAM's model has no such input"),
}
"""What SAM bills, or cannot be asked about, and what a tariff says nothing by."""

BILLED: dict[str, Any] = {
    "energyratestructure": [[{"rate": 9.0}], [{"rate": 9.0}]],
    "energyweekdayschedule": [[1] * 24] * 12,
    "energyweekendschedule": EVENING,
    "fueladjustmentsmonthly": [0.01] * 12,
    "fixedchargefirstmeter": 9.0,
    "fixedchargeunits": "$/day",
    "fixedmonthlycharge": 9.0,
    "mincharge": 90.0,
    "minchargeunits": "$/year",
    "minmonthlycharge": 90.0,
    "annualmincharge": 90.0,
    "demandratestructure": [[{"rate": 9.0}], [{"rate": 9.0}]],
    "demandweekdayschedule": [[1] * 24] * 12,
    "demandweekendschedule": EVENING,
    "demandrateunit": "kW daily",
    "demandunits": "kVA",
    "flatdemandstructure": [[{"rate": 9.0}]],
    "flatdemandmonths": [1] * 12,
    "flatdemandunit": "kW daily",
    "lookbackpercent": 0.8,
    "lookbackrange": 11,
    "lookbackmonths": [True] + [False] * 11,
    "dgrules": "Net Billing Instantaneous",
    "tier_rule": "month",
    "net_metering_rollover": True,
    "ur_metering_option": 2,
    "ur_nm_credit_month": 5,
    "ur_nm_yearend_sell_rate": 0.03,
    "ur_nm_credit_rollover": 1,
    "ur_enable_billing_demand": 1,
    "ur_billing_demand_minimum": 9.0,
    "ur_billing_demand_lookback_period": 11,
    "ur_billing_demand_lookback_percentages": [[80, 1]] * 12,
    "ur_dc_billing_demand_periods": [[1, 1], [2, 1]],
}
"""Fields that bills use, and a value that changes a tariff which has a charge of every kind."""
