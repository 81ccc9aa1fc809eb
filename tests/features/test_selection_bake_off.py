"""The bake-off: that nothing leaks into it, how it decides, and what it refuses."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold

from features.columns import Column
from features.errors import FeatureError
from features.selection.bake_off import BakeOff, bake_off
from features.selection.pearson import Pearson
from features.selection.stability import Stability

COLUMNS = (
    Column("zone", "category"),
    Column("size", "number"),
    Column("quality", "category", levels=("Poor", "Fair", "Good"), ordered=True),
    Column("empty", "number"),
    *(Column(f"noise{i}", "number") for i in range(5)),
)


def houses(rows: int = 150) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"noise{i}": rng.normal(size=rows) for i in range(5)})
    frame["zone"] = rng.choice(["A", "B", None], rows)
    frame["size"] = pd.Series(rng.normal(size=rows)).mask(rng.random(rows) < 0.1)
    frame["quality"] = rng.choice(["Poor", "Fair", "Good"], rows)
    frame["empty"] = np.nan
    rank = frame["quality"].map({"Poor": 0.0, "Fair": 1.0, "Good": 2.0})
    y = 2 * frame["size"].fillna(0) + rank + 2 * (frame["zone"] == "A") + rng.normal(0, 0.3, rows)
    return frame, y.rename("price")


def baked(frame: pd.DataFrame, y: pd.Series, **settings: object) -> BakeOff:
    wanted = {"methods": ["pearson", "lasso"], "sizes": [1, 3], "folds": 4, "estimator": LinearRegression()}
    return bake_off(frame, COLUMNS, y, progress=False, **{**wanted, **settings})


@pytest.fixture(scope="module")
def result() -> BakeOff:
    return baked(*houses())


def test_every_method_and_size_has_a_score_for_each_fold(result: BakeOff) -> None:
    methods, sizes = ["pearson", "lasso", "consensus"], [1, 3, 8]
    assert list(result.scores.index) == [(method, size) for method in methods for size in sizes]
    assert result.scores.shape[1] == 4
    assert result.scores.notna().all(axis=None)
    whole = result.scores.xs(8, level="size")
    assert (whole == whole.iloc[0]).all(axis=None)
    assert result.metric == "R²"


def test_the_planted_three_win(result: BakeOff) -> None:
    method, size = result.winner()
    assert size == 3
    chosen = result.rankings.chosen(method, keep=3)
    assert chosen[["zone", "size", "quality"]].all(axis=None)
    table = result.summary().set_index(["method", "size"])
    assert (table["low"] < table["score"]).all()
    assert table.loc[(method, 3), "score"] > 0.8 > table.loc[(method, 1), "score"]
    assert table.loc[(method, 3), "stability"] == 1
    assert table["stability"].isna().sum() == 3
    assert table.loc[("consensus", 3), "seconds"] == pytest.approx(result.rankings.seconds.sum())


def test_pure_noise_has_no_score_although_ranking_outside_of_folds_finds_one() -> None:
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(100, 1000)), columns=[f"x{i}" for i in range(1000)])
    y = pd.Series(rng.normal(size=100), name="y")
    columns = [Column(name, "number") for name in X]
    kept = Pearson(10).fit(X, y).transform(X)
    leaked = [
        r2_score(y[held], LinearRegression().fit(kept[fitted], y[fitted]).predict(kept[held]))
        for fitted, held in KFold(5, shuffle=True, random_state=0).split(X)
    ]
    model = LinearRegression()
    nested = bake_off(X, columns, y, methods=["pearson"], sizes=[10], estimator=model, progress=False)
    assert np.mean(leaked) > 0.3
    assert nested.scores.loc[("pearson", 10)].mean() < 0.05


def test_a_category_of_one_row_each_tells_nothing_about_held_rows() -> None:
    frame, y = houses()
    named = frame.assign(zone=[f"house {i}" for i in range(len(frame))])
    result = baked(named, y, methods=["pearson"], sizes=[1])
    assert not result.rankings.chosen("pearson", keep=2)["zone"].any()


def test_rows_that_are_held_back_change_no_ranking() -> None:
    """One column is the target on the first fold's held rows alone: that fold's ranking must not see it."""
    frame, y = houses()
    held = next(iter(KFold(4, shuffle=True, random_state=0).split(frame)))[1]
    leak = np.random.default_rng(2).normal(size=len(y))
    clean = baked(frame.assign(noise0=leak), y)
    leak[held] = y.iloc[held]
    leaky = baked(frame.assign(noise0=leak), y)
    pd.testing.assert_frame_equal(clean.rankings.scores.loc[0], leaky.rankings.scores.loc[0])
    assert not clean.rankings.scores.loc[1].equals(leaky.rankings.scores.loc[1])


def test_the_result_does_not_depend_on_jobs_or_backend(result: BakeOff) -> None:
    with joblib.parallel_config(backend="threading"):
        again = baked(*houses(), n_jobs=2)
    pd.testing.assert_frame_equal(result.scores, again.scores)
    pd.testing.assert_frame_equal(result.rankings.scores, again.rankings.scores)
    assert not result.scores.equals(baked(*houses(), seed=1).scores)


def test_classes_are_judged_by_log_loss() -> None:
    frame, y = houses()
    labels = pd.Series(np.where(y > y.median(), "dear", "cheap"), name="price")
    result = baked(frame, labels, estimator=LogisticRegression(), methods=["anova"], sizes=[3])
    assert result.metric == "minus log loss"
    assert result.winner() == ("anova", 3)
    assert (result.scores.loc[("anova", 3)] > -np.log(2)).all()


def scored(*rows: tuple[str, int, list[float]]) -> BakeOff:
    index = pd.MultiIndex.from_tuples([row[:2] for row in rows], names=["method", "size"])
    columns = pd.MultiIndex.from_product([range(2), list("abcd")], names=["resample", "column"])
    rankings = pd.DataFrame({"m": np.arange(8.0), "n": np.arange(8.0)}, index=columns)
    scores = pd.DataFrame([row[2] for row in rows], index=index)
    return BakeOff(scores, Stability(rankings, pd.Series({"m": 1.0, "n": 2.0}), keep=1, seed=0), "number")


def test_the_fewest_columns_within_one_standard_error_win_by_hand() -> None:
    best = ("m", 3, [0.7, 0.9])  # mean .8, standard error .1
    assert scored(("m", 1, [0.68, 0.70]), ("m", 2, [0.71, 0.73]), best).winner() == ("m", 2)
    assert scored(("m", 1, [0.71, 0.71]), ("n", 1, [0.72, 0.72]), best).winner() == ("n", 1)
    assert scored(("m", 1, [0.1, 0.1]), ("n", 2, [0.2, 0.2]), best).winner() == ("m", 3)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"sizes": []}, "sizes from 1 and 2 folds or more"),
        ({"sizes": [0]}, "sizes from 1 and 2 folds or more"),
        ({"folds": 1}, "sizes from 1 and 2 folds or more"),
        ({"methods": ["magic"]}, "expected selection methods among"),
    ],
)
def test_what_cannot_be_compared_is_refused(settings: dict[str, object], says: str) -> None:
    with pytest.raises(FeatureError, match=says):
        baked(*houses(60), **settings)


def test_a_target_without_contrast_is_refused() -> None:
    frame, y = houses(60)
    with pytest.raises(FeatureError, match="is constant"):
        baked(frame, y * 0)
