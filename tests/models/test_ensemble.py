from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from models.ensemble import Ensemble
from models.ensemble_fit import fit_ensemble
from models.errors import EnsembleError
from models.temperature import calibration_error

FAMILIES = {"GBM": {"num_boost_round": 40}, "XT": {"n_estimators": 20}, "LR": {}}


def table(rows: int = 160) -> tuple[pd.DataFrame, "pd.Series[float]"]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(rows, 5)).astype("float32"), columns=list("abcde"))
    return X, pd.Series(np.exp(11 + 0.4 * X["a"] + 0.3 * X["b"] * X["c"]), name="price")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("ensemble")
    X, y = table()
    board = fit_ensemble(
        X, y, folder=folder, families=FAMILIES, folds=3, stack_levels=1, stacked=["GBM", "LR"], progress=False
    )
    return folder, board


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # AutoGluon's own deprecations are not ours to mend
class TestEnsemble:
    def test_the_leaderboard_has_bags_boosts_and_stacks(self, fitted: tuple[Path, pd.DataFrame]) -> None:
        _, board = fitted
        assert {"boosting", "bagging", "linear", "weighted mean"} <= set(board["family"])
        by_level = board[board["family"] != "weighted mean"].groupby("level").size().to_dict()
        assert by_level == {1: 3, 2: 2}
        assert board["oof_rmse"].is_monotonic_increasing
        assert board["final"].sum() == 1
        assert board["weight"].sum() == pytest.approx(1)

    def test_it_learns_and_answers_in_the_targets_unit(self, fitted: tuple[Path, pd.DataFrame]) -> None:
        X, y = table()
        answers = Ensemble(fitted[0]).predict(X[["e", "d", "c", "b", "a"]])
        assert answers.shape == (len(X),)
        assert np.corrcoef(np.log(answers), np.log(y))[0, 1] > 0.9

    def test_a_folder_may_move(self, fitted: tuple[Path, pd.DataFrame], tmp_path: Path) -> None:
        X, _ = table()
        before = Ensemble(fitted[0]).predict(X)
        moved = fitted[0].rename(tmp_path / "moved")
        try:
            np.testing.assert_array_equal(Ensemble(moved).predict(X), before)
        finally:
            moved.rename(fitted[0])

    def test_the_same_call_gives_the_same_ensemble(
        self, fitted: tuple[Path, pd.DataFrame], tmp_path: Path
    ) -> None:
        X, y = table()
        fit_ensemble(
            X,
            y,
            folder=tmp_path,
            families=FAMILIES,
            folds=3,
            stack_levels=1,
            stacked=["GBM", "LR"],
            progress=False,
        )
        np.testing.assert_array_equal(Ensemble(tmp_path).predict(X), Ensemble(fitted[0]).predict(X))

    def test_an_absent_column_is_named(self, fitted: tuple[Path, pd.DataFrame]) -> None:
        X, _ = table()
        with pytest.raises(EnsembleError, match="needs the column 'c'"):
            Ensemble(fitted[0]).predict(X.drop(columns="c"))

    def test_a_setting_that_a_family_does_not_take_is_one_line(self, tmp_path: Path) -> None:
        X, y = table()
        with pytest.raises(EnsembleError, match="mend the families") as caught:
            fit_ensemble(
                X,
                y,
                folder=tmp_path,
                families={"XT": {"no_such": 1}},
                folds=2,
                stack_levels=0,
                progress=False,
            )
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("families", "folds", "stacked", "says"),
    [
        ({"GMB": {}}, 2, None, "got 'GMB'"),
        ({}, 2, None, "got none"),
        ({"GBM": {}}, 2, ["XT"], "stacked names 'XT'"),
        ({"GBM": {}}, 1, None, "2 folds or more"),
        ({"GBM": {}}, 100, None, "5 rows a fold"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    families: dict[str, dict[str, int]], folds: int, stacked: list[str] | None, says: str, tmp_path: Path
) -> None:
    X, y = table()
    with pytest.raises(EnsembleError, match=says):
        fit_ensemble(X, y, folder=tmp_path, families=families, folds=folds, stack_levels=1, stacked=stacked)
    assert list(tmp_path.iterdir()) == []


def test_a_rare_class_is_named(tmp_path: Path) -> None:
    X, _ = table()
    y = pd.Series(["many"] * 90 + ["some"] * 66 + ["rare"] * 4)
    with pytest.raises(EnsembleError, match="class 'rare' has 4 rows, expected 10 or more"):
        fit_ensemble(X, y, folder=tmp_path, families={"LR": {}}, folds=2, stack_levels=0, target="category")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
class TestClasses:
    @pytest.fixture(scope="class")
    def overfitted(self, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
        """An ensemble of two classes that is far too sure of itself."""
        folder = tmp_path_factory.mktemp("classes")
        X, y = noisy(400, seed=1)
        families = {"LR": {"C": 1e4}}
        board = fit_ensemble(
            X, y, folder=folder, families=families, folds=8, stack_levels=0, target="category",
            progress=False,
        )  # fmt: skip
        return folder, board

    def test_the_leaderboard_tells_the_log_loss(self, overfitted: tuple[Path, pd.DataFrame]) -> None:
        assert overfitted[1]["oof_log_loss"].is_monotonic_increasing

    def test_probabilities_are_cooled_until_they_mean_what_they_say(
        self, overfitted: tuple[Path, pd.DataFrame]
    ) -> None:
        ensemble = Ensemble(overfitted[0])
        X, y = noisy(2000, seed=2)
        truth = (y == "yes").to_numpy().astype(int)
        raw = np.asarray(ensemble.predictor.predict_proba(X))
        told = ensemble.predict_proba(X)
        assert ensemble.info.temperature > 1.2
        assert log_loss(truth, told) < log_loss(truth, raw)
        assert calibration_error(told, truth) < 0.7 * calibration_error(raw, truth)
        assert ensemble.predict(X).tolist() == [ensemble.info.classes[place] for place in raw.argmax(axis=1)]

    def test_a_linear_model_on_top_finds_no_row_in_the_answers_to_others(self, tmp_path: Path) -> None:
        (X, y), (fresh, truth) = rare(600, seed=1), rare(4000, seed=2)
        families = {"GBM": {"num_boost_round": 40}, "LR": {}}
        board = fit_ensemble(
            X, y, folder=tmp_path, families=families, folds=4, stack_levels=1, stacked=["LR"],
            target="category", progress=False,
        )  # fmt: skip
        on_top = board[(board["family"] == "linear") & (board["level"] == 2)].iloc[0]
        answers = Ensemble(tmp_path).predict_proba(fresh, model=on_top["model"])
        loss = log_loss((truth == "yes").to_numpy().astype(int), answers)
        assert on_top["oof_log_loss"] > 0.95 * loss
        assert loss < 0.65

    def test_numbers_have_no_probabilities(self, fitted: tuple[Path, pd.DataFrame]) -> None:
        with pytest.raises(EnsembleError, match="got one of numbers"):
            Ensemble(fitted[0]).predict_proba(table()[0])


def noisy(rows: int, seed: int) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """Two classes that two columns of sixty tell apart three times in four."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(rows, 60)).astype("float32"), columns=[f"c{at}" for at in range(60)])
    yes = X["c0"] + X["c1"] + rng.logistic(0, 1, rows) > 0
    return X, pd.Series(np.where(yes, "yes", "no"), name="answer")


def rare(rows: int, seed: int) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """Two classes by one column, beside sixty that are 1 in one row of sixty each and tell nothing."""
    rng = np.random.default_rng(seed)
    town, x = rng.integers(60, size=rows), rng.normal(size=rows)
    X = pd.DataFrame({"x": x, **{f"town={place}": town == place for place in range(60)}}, dtype="float32")
    return X, pd.Series(np.where(x + rng.logistic(size=rows) > 0, "yes", "no"), name="answer")


def test_a_target_with_gaps_or_without_contrast_is_refused(tmp_path: Path) -> None:
    X, y = table()
    for target in (y.where(y.index > 3), y * 0 + 5):
        with pytest.raises(EnsembleError, match="missing somewhere, or constant"):
            fit_ensemble(X, target, folder=tmp_path, families={"LR": {}}, folds=2, stack_levels=0)


def test_a_torn_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(EnsembleError, match="holds no whole ensemble"):
        Ensemble(tmp_path)
