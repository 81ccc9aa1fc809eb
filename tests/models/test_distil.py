"""New rows for distillation: made of their neighbours' values, of the same types, the same each time."""

import numpy as np
import pandas as pd
import pytest

from models.distil import blended, mixed_rows
from models.errors import ModelError

AREA = np.float32([10, 11, 12, 13, 1000, 1001, 1002, 1003, 1004, np.nan])
RAW = pd.DataFrame({"area": AREA, "town": ["a", "a", "a", "", "b", "b", "b", "b", "b", "b"]})
ENCODED = pd.DataFrame({"area": np.nan_to_num(AREA, nan=1000.0), "b": (RAW["town"] == "b").astype(float)})


def mixed(**changes):
    return mixed_rows(RAW, ENCODED, **{"copies": 3, "share": 0.5, "seed": 0, **changes})


def test_each_copy_has_every_row_and_values_stay_in_their_columns():
    rows = mixed()
    assert len(rows) == 3 * len(RAW)
    assert rows.dtypes.equals(RAW.dtypes)
    assert set(rows["town"]) <= set(RAW["town"])
    assert set(rows["area"].dropna()) <= set(RAW["area"].dropna())
    assert not rows.iloc[: len(RAW)].equals(RAW)


def test_nothing_is_lent_at_share_0_and_whole_neighbours_at_share_1():
    assert mixed(copies=1, share=0.0).equals(RAW)
    whole = mixed(share=1.0)
    known = {tuple(row) for row in RAW.fillna(-1).to_numpy().tolist()}
    assert {tuple(row) for row in whole.fillna(-1).to_numpy().tolist()} <= known


def test_values_come_from_near_rows():
    raw = pd.DataFrame({"x": np.float32(np.repeat([0, 100], 20) + np.arange(40) * 0.01)})
    rows = mixed_rows(raw, raw, copies=5, share=1.0, seed=0)
    before = np.tile(raw["x"].to_numpy() > 50, 5)
    assert ((rows["x"].to_numpy() > 50) == before).all()


def test_the_seed_decides():
    assert mixed().equals(mixed())
    assert not mixed().equals(mixed(seed=1))


def test_tables_of_other_rows_are_refused():
    with pytest.raises(ModelError, match="got 10 and 9"):
        mixed_rows(RAW, ENCODED.iloc[:9], copies=1, share=0.5, seed=0)


def test_truth_and_teacher_meet_between_on_the_scale_of_logarithms():
    truth, teacher = np.array([99.0, 7.0]), np.array([9999.0, 7.0])
    assert blended(truth, teacher, weight=1) == pytest.approx(truth)
    assert blended(truth, teacher, weight=0) == pytest.approx(teacher)
    assert blended(truth, teacher, weight=0.5) == pytest.approx([999, 7])
