"""Fixtures shared by all tests: the real data's folder, a Hypothesis profile, one cluster."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    max_examples=int(os.environ.get("CAIRO_HYPOTHESIS_EXAMPLES", "15")),
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("default")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real homes, tariffs and prices; tests that need it are skipped without."""
    folder = os.environ.get("CAIRO_REAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("CAIRO_REAL_DATA names no folder of real data")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def client() -> Iterator[object]:
    """A client of a LocalCluster with two real worker processes, shared by the session."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        Client(cluster, set_as_default=False) as connected,
    ):
        yield connected
