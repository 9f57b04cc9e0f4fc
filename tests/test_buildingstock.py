"""Building metadata: which rows and columns come back, and their weights."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cairo.errors import MetadataError, PriceError
from cairo.files.metadata import read_frame, return_buildingstock

STOCK = pd.DataFrame(
    {
        "in.tenure": ["Owner", "Renter", "Owner"],
        "weight": [10.0, 30.0, 40.0],
        "in.other": ["x", "y", "z"],
        "bldg_id": [500, 7, 123],
        "in.occupants": ["1", "10+", "3"],
    }
)


def stock(folder: Path, frame: pd.DataFrame = STOCK, **options: Any) -> pd.DataFrame:
    path = folder / "metadata.parquet"
    frame.to_parquet(path)
    return return_buildingstock(path, **options)


def test_rows_stay_in_the_files_order_and_ids_and_weights_come_first(tmp_path: Path) -> None:
    found = stock(tmp_path)
    assert list(found)[:2] == ["bldg_id", "weight"]
    assert set(found) == {"bldg_id", "weight", "in.tenure", "in.occupants"}
    assert found["bldg_id"].tolist() == [500, 7, 123]
    assert found["weight"].tolist() == [10.0, 30.0, 40.0]
    assert found["in.occupants"].tolist() == ["1", "10+", "3"]


def test_columns_asked_for_are_kept_besides_the_usual_ones(tmp_path: Path) -> None:
    found = stock(tmp_path, columns=["in.other", "weight"])
    assert set(found) == {"bldg_id", "weight", "in.tenure", "in.occupants", "in.other"}
    assert list(found)[-1] == "in.other"


def test_weights_written_as_text_are_read(tmp_path: Path) -> None:
    found = stock(tmp_path, STOCK.assign(weight=["10", "1,030.5", " 4e1 "]))
    assert found["weight"].tolist() == [10.0, 1030.5, 40.0]


@pytest.mark.parametrize("kind", [pa.decimal128(9, 2), pa.decimal256(50, 2), pa.float32()])
def test_weights_and_ids_of_other_numeric_types_are_read(tmp_path: Path, kind: Any) -> None:
    decimal = pa.types.is_decimal(kind)
    ids = pa.array([Decimal(1), Decimal(2), Decimal(3)] if decimal else [1, 2, 3])
    weight = pa.array([Decimal("10.25"), Decimal(1), Decimal(4)] if decimal else [10.25, 1, 4])
    path = tmp_path / "metadata.parquet"
    pq.write_table(pa.table({"bldg_id": ids.cast(kind), "weight": weight.cast(kind)}), path)
    found = return_buildingstock(path)
    assert found["bldg_id"].tolist() == [1, 2, 3]
    assert found["weight"].tolist() == [10.25, 1.0, 4.0]


@pytest.mark.parametrize("values", [[True] * 3, pd.date_range("2018", periods=3), [[1.0]] * 3])
def test_weights_and_ids_that_are_no_numbers_are_refused(tmp_path: Path, values: Any) -> None:
    with pytest.raises(MetadataError, match=r"has weight .* for building 500, expected a number"):
        stock(tmp_path, STOCK.assign(weight=values))
    with pytest.raises(MetadataError, match=r"has bldg_id .* expected whole numbers"):
        stock(tmp_path, STOCK.assign(bldg_id=values))


def test_a_sample_keeps_the_files_order(tmp_path: Path) -> None:
    found = stock(tmp_path, building_stock_sample=np.array([123, 500]))
    assert found["bldg_id"].tolist() == [500, 123]
    assert found.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("sample", "expected"),
    [(None, [100.0, 300.0, 400.0]), ([500, 7], [200.0, 600.0])],
)
def test_weights_of_the_buildings_kept_add_to_the_customers(
    tmp_path: Path, sample: list[int] | None, expected: list[float]
) -> None:
    # 800 customers over weights 10 + 30 + 40, or 10 + 30.
    found = stock(tmp_path, building_stock_sample=sample, customer_count=800)
    assert found["weight"].tolist() == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    "ids",
    [
        pd.Series(["500", "7", "123"]),
        pd.Series([500.0, 7.0, 123.0]),
        pd.Series([500, 7, 123], dtype="int32"),
    ],
)
def test_ids_of_any_type_become_whole_numbers(tmp_path: Path, ids: pd.Series) -> None:
    found = stock(tmp_path, STOCK.assign(bldg_id=ids))
    assert found["bldg_id"].dtype == np.int64
    assert found["bldg_id"].tolist() == [500, 7, 123]
    indexed = stock(tmp_path, STOCK.assign(bldg_id=ids).set_index("bldg_id"))
    assert indexed["bldg_id"].tolist() == [500, 7, 123]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"bldg_id": [500, 7.5, 123]}, {}, r"has bldg_id 7\.5, expected whole numbers"),
        ({"bldg_id": ["500", "a", "123"]}, {}, "has bldg_id 'a', expected whole numbers"),
        ({"bldg_id": [500, 7, 500]}, {}, "has buildings more than once: 500"),
        ({}, {"building_stock_sample": [7, 8, 9]}, "lacks buildings 8, 9"),
        ({}, {"columns": ["in.other", "in.age"]}, r"has no column in\.age$"),
        ({"weight": [1.0, None, np.inf]}, {}, "has no weight for buildings 7, 123"),
        ({"weight": [1.0, -0.5, 2.0]}, {}, "has negative weights for buildings 7"),
        ({"weight": [0.0, 0.0, 0.0]}, {}, r"weights that add to 0\.0, expected more than zero"),
    ],
)
def test_metadata_that_does_not_fit_is_named(
    tmp_path: Path, change: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(MetadataError, match=message) as caught:
        stock(tmp_path, STOCK.assign(**change), **options)
    assert str(tmp_path / "metadata.parquet") in str(caught.value)


def test_a_building_of_no_weight_is_kept(tmp_path: Path) -> None:
    found = stock(tmp_path, STOCK.assign(weight=[0.0, 10.0, 30.0]), customer_count=80)
    assert found["weight"].tolist() == [0.0, 20.0, 60.0]


def test_a_file_that_is_not_parquet_or_lacks_columns_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_text("no")
    with pytest.raises(PriceError, match=r"price table .*a\.parquet cannot be read"):
        read_frame(path, "price table", error=PriceError)
    STOCK.to_parquet(path)
    with pytest.raises(MetadataError, match=r"has no column a, b; it has in\.tenure, weight"):
        read_frame(path, "stock", ["bldg_id", "a", "b"])
