import numpy as np
import pandas as pd
import pytest

from models.baselines import linear_baseline, median_baseline, predict_linear
from models.metrics import METRICS, bands, bootstrap_metrics, mae, r2, rmsle, slice_metrics

Y = np.array([100.0, 200.0, 400.0])


def test_metrics_by_hand() -> None:
    off = np.array([110.0, 180.0, 400.0])
    logs = [np.log(111 / 101), np.log(181 / 201), 0]
    assert rmsle(Y, off) == pytest.approx(np.sqrt(sum(x * x for x in logs) / 3))
    assert mae(Y, off) == pytest.approx(10)
    mean = 700 / 3
    assert r2(Y, off) == pytest.approx(1 - 500 / sum((y - mean) ** 2 for y in Y))
    assert r2(Y, np.full(3, mean)) == pytest.approx(0)


def test_r2_of_a_constant_target_is_scikit_learns() -> None:
    assert r2(np.full(3, 5.0), np.full(3, 5.0)) == 1
    assert r2(np.full(3, 5.0), Y) == 0


def test_metrics_work_over_the_last_axis() -> None:
    two = np.stack([Y, Y * 2])
    for metric in METRICS.values():
        assert metric(two, two).shape == (2,)


def test_intervals_hold_the_value_and_shrink_with_rows() -> None:
    rng = np.random.default_rng(0)
    few, many = (rng.lognormal(12, 0.4, rows) for rows in (50, 5000))
    width = {}
    for name, y in (("few", few), ("many", many)):
        predicted = y * rng.lognormal(0, 0.1, len(y))
        one = bootstrap_metrics(y, {"m": predicted}, resamples=300, confidence=0.9, seed=1)["m"]["rmsle"]
        assert one["low"] < one["value"] < one["high"]
        assert one["value"] == pytest.approx(0.1, rel=0.3)
        width[name] = one["high"] - one["low"]
    assert width["many"] < width["few"] / 4


def test_the_bootstrap_is_the_same_for_the_same_seed() -> None:
    runs = [bootstrap_metrics(Y, {"m": Y + 1}, resamples=20, confidence=0.9, seed=seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_bands_name_every_number() -> None:
    values = pd.Series([1.0, 5.0, 9.5, np.nan])
    assert bands(values, [5, 9.5]).tolist() == ["under 5", "5 to 9.5", "9.5 and over", "unknown"]
    assert bands(pd.Series([150000.0]), [100000, 200000]).tolist() == ["100,000 to 200,000"]


def test_slices_add_up_to_the_whole() -> None:
    predictions = {"a": Y * 1.1, "b": Y}
    table = slice_metrics(Y, predictions, {"size": pd.Series(["s", "s", "l"])})
    assert table.groupby("model")["rows"].sum().to_dict() == {"a": 3, "b": 3}
    mine = table[table["model"] == "a"]
    total = np.sqrt((mine["rmsle"] ** 2 * mine["rows"]).sum() / 3)
    assert total == pytest.approx(rmsle(Y, Y * 1.1))
    assert (mine["bias"] > 0).all()
    assert (table[table["model"] == "b"]["rmsle"] == 0).all()


def test_baselines_beat_what_they_should() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 4)), columns=list("abcd"))
    y = pd.Series(np.exp(10 + 0.5 * X["a"] - 0.2 * X["b"] + rng.normal(scale=0.05, size=300)))
    fitted = linear_baseline(X[:200], y[:200])
    truth = y[200:].to_numpy()
    linear = rmsle(truth, predict_linear(fitted, X[200:]))
    assert linear < 0.07
    assert linear < rmsle(truth, median_baseline(y[:200], 100)) / 5
