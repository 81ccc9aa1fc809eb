"""The table: what is checked, what a refusal says, and a split that no re-crawl moves."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.columns import Column
from features.errors import FeatureError
from features.table import check_part, hash_uniform, split_by_hash, validate

COLUMNS = (
    Column("area", "number", unit="sqft"),
    Column("quality", "category", levels=("Poor", "Fair", "Good"), ordered=True),
    Column("zone", "category", levels=("A", "B")),
    Column("street", "category"),
)


def records() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "pid": ["01", "02", "03", "04"],
            "area": [900.0, None, 1100.0, 1200.0],
            "quality": ["Poor", "Good", None, "Good"],
            "zone": ["A", "B", "A", None],
            "street": ["Elm", "Oak", "Elm", "Oak"],
            "price": [100.0, 200.0, 150.0, 180.0],
            "link": ["a", "b", "c", "d"],
        }
    )


def check(frame: pd.DataFrame, **changed: Any) -> Any:
    return validate(frame, COLUMNS, **{"key": "pid", "target": "price", "positive_target": True, **changed})


def test_a_good_table_is_typed_and_bare() -> None:
    frame = records()
    table = check(frame)
    assert list(table.frame.columns) == ["pid", "area", "quality", "zone", "street", "price"]
    assert table.frame["area"].dtype == np.float64
    assert table.frame["quality"].tolist() == ["Poor", "Good", None, "Good"]
    assert table.columns == COLUMNS
    assert table.constant == ()
    pd.testing.assert_frame_equal(frame, records())


def test_a_target_of_classes_is_text() -> None:
    table = check(records(), target="link", positive_target=False)
    assert table.frame["link"].tolist() == ["a", "b", "c", "d"]


def put(column: str, row: int, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value
        return frame

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("pid", 1, "01"), "key 'pid' is not unique: '01' in row 0 .2 such rows"),
        (put("pid", 1, None), "key 'pid' is missing: None in row 1"),
        (put("pid", 1, 2), "key 'pid' is not text: 2 in row 1"),
        (put("area", 2, "1,100 sqft"), "'area', pid '03' .*expected a finite number, got '1,100 sqft'"),
        (put("area", 2, np.inf), "'area', pid '03' .*expected a finite number, got inf"),
        (put("quality", 3, "Super"), "'quality', pid '04' .*one of Poor, Fair, Good, got 'Super'"),
        (put("zone", 0, "C"), "'zone', pid '01' .*one of A, B, got 'C'"),
        (put("street", 1, 3.5), "'street', pid '02' .*expected text, got 3.5"),
        (put("price", 1, None), "'price', row '02' .1 of 4 rows.: None is missing"),
        (put("price", 1, "cheap"), "'price', row '02': expected a number, got 'cheap'"),
        (lambda f: f.assign(price=[1.0, 0.0, 2.0, 3.0]), "'price', row '02' .*0.0 is not above 0"),
        (lambda f: f.assign(price=[1.0, np.inf, 2.0, 3.0]), "'price', row '02' .*inf is not finite"),
        (lambda f: f.assign(price=7.0), "'price' is constant, 7.0 in 4 rows"),
        (lambda f: f.assign(street="Elm"), "'street' is 'Elm' in all 4 rows; drop it"),
        (lambda f: f.assign(area=None), "'area' has no value in 4 rows; drop it"),
        (lambda f: f.drop(columns="zone"), "lacks the column 'zone'"),
        (lambda f: f.drop(columns="pid"), "lacks the column 'pid'"),
        (lambda f: f.iloc[:0], "the table has no rows"),
    ],
)
def test_a_bad_table_is_refused_in_one_line(change: Callable[..., pd.DataFrame], says: str) -> None:
    with pytest.raises(FeatureError, match=says) as error:
        check(change(records()), target_kind="number")
    assert "\n" not in str(error.value)


def test_one_class_only_is_refused() -> None:
    with pytest.raises(FeatureError, match="'sold' has one class only, 'yes' in 4 rows"):
        check(records().assign(sold="yes"), target="sold", positive_target=False)


def test_the_target_is_no_feature() -> None:
    with pytest.raises(FeatureError, match="'area' is listed twice"):
        check(records(), target="area")


def test_constant_columns_can_be_dropped() -> None:
    frame = records().assign(
        street="Elm", area=[900.0, None, 900.0, None], quality=["Poor", None, None, "Poor"]
    )
    table = check(frame, on_constant="drop")
    assert table.constant == ("area", "quality", "street")
    assert [c.name for c in table.columns] == ["zone"]
    assert list(table.frame.columns) == ["pid", "zone", "price"]


def test_missing_is_a_value_of_an_unordered_category_only() -> None:
    table = check(records().assign(street=["Elm", None, "Elm", None]))
    assert table.constant == ()


KEYS = pd.Series([f"{i:05d}" for i in range(4000)], name="pid")


def test_a_recrawl_with_more_rows_in_another_order_moves_none() -> None:
    few = KEYS.sample(1000, random_state=0)
    before = split_by_hash(few, salt="s")
    after = split_by_hash(KEYS.sample(frac=1, random_state=1), salt="s")
    assert (after.loc[before.index] == before).all()
    assert before.index.equals(few.index)


def test_the_shares_are_kept_and_the_salt_matters() -> None:
    parts = split_by_hash(KEYS, fractions=(0.7, 0.15, 0.15), salt="s")
    shares = parts.value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({"train": 0.7, "validation": 0.15, "test": 0.15}, abs=0.03)
    assert (split_by_hash(KEYS, salt="t") != parts).mean() > 0.3
    assert (split_by_hash(KEYS, fractions=(1.0, 0.0, 0.0)) == "train").all()


def test_the_rule_is_the_written_one() -> None:
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, sha256 of "abc"
    assert hash_uniform("abc") == int(digest[:16], 16) / 2**64
    assert split_by_hash(pd.Series(["bc"]), salt="a").tolist() == ["validation"]


def test_a_key_that_is_not_text_is_refused() -> None:
    with pytest.raises(FeatureError, match="key 'pid', row 1: expected text, got 7"):
        split_by_hash(pd.Series(["a", 7], name="pid"))


@pytest.mark.parametrize("fractions", [(0.7, 0.2, 0.2), (1.2, -0.2, 0.0)])
def test_fractions_add_to_one(fractions: tuple[float, float, float]) -> None:
    with pytest.raises(FeatureError, match="three shares that add to 1"):
        split_by_hash(KEYS, fractions=fractions)


def test_a_key_of_another_part_is_named() -> None:
    keys = pd.Series([f"k{i}" for i in range(50)], index=range(100, 150), name="key")
    part = split_by_hash(keys, fractions=(0.5, 0.25, 0.25), salt="s")
    check_part(keys[part == "train"], "train", fractions=(0.5, 0.25, 0.25), salt="s")
    other = part[part != "train"].index[0]
    with pytest.raises(
        FeatureError, match=rf"key '{keys[other]}', row {other} .* belongs to '{part[other]}'"
    ):
        check_part(keys, "train", fractions=(0.5, 0.25, 0.25), salt="s")
