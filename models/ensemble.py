"""The ensemble: AutoGluon bags, boosts and stacks the families it is given, and weights what helps.

Bagging (Breiman 1996): each model is fitted once per fold and its folds are averaged. Stacking (Wolpert
1992): models of the next level also see the out-of-fold predictions of the one below. The last word is a
greedy weighted mean (Caruana et al. 2004). See Erickson et al. 2020, https://arxiv.org/abs/2003.06505.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from autogluon.core.callbacks import AbstractCallback
from autogluon.features.generators import IdentityFeatureGenerator
from autogluon.tabular import TabularPredictor
from numpy.typing import NDArray
from tqdm import tqdm

from models.errors import EnsembleError
from models.steady import SteadyLinear, SteadyNetwork, SteadyXGBoost

FAMILIES = {
    "GBM": "boosting", "CAT": "boosting", "XGB": "boosting",
    "RF": "bagging", "XT": "bagging",
    "LR": "linear", "NN_TORCH": "network", "KNN": "neighbours",
}  # fmt: skip
"""The families that may be asked for, and what each is by itself."""

CLASSES: dict[str, type] = {"NN_TORCH": SteadyNetwork, "LR": SteadyLinear, "XGB": SteadyXGBoost}
"""By family, the class that stands in for AutoGluon's own: its answers do not depend on the batch."""

_LABEL = "__target__"


@dataclass(frozen=True)
class EnsembleInfo:
    """What a saved ensemble must say about itself: its input columns and whether it learnt log(1 + y)."""

    columns: tuple[str, ...]
    log_target: bool


def fit_ensemble(
    X: pd.DataFrame,
    y: "pd.Series[float]",
    *,
    folder: Path,
    families: Mapping[str, Mapping[str, Any] | Sequence[Mapping[str, Any]]],
    folds: int,
    stack_levels: int,
    stacked: Sequence[str] | None = None,
    log_target: bool = True,
    threads: int = 1,
    time_limit_s: float | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Fit on numeric X (rows, columns; no NaN) and positive y, save under `folder`, return the leaderboard.

    `families` maps AutoGluon's family keys to hyper-parameters with a fixed number of rounds, so that the
    same call gives the same ensemble; `time_limit_s` is a safety net only. `folds` of at least 2 are bagged;
    `stack_levels` of 0 or more are put on top, of the families named in `stacked`
    (all, if None). Leaderboard: model, family, level, out-of-fold rmse (on the
    log scale if `log_target`: RMSLE) and its weight in the final mean, best first.
    Raises EnsembleError for an unknown family, too few rows, or when no model could be fitted.
    """
    _check(X, y, families, folds, stacked or ())
    label = np.log1p(y.to_numpy(dtype="float64")) if log_target else y.to_numpy(dtype="float64")
    table = X.astype("float32").assign(**{_LABEL: label})
    predictor = TabularPredictor(
        label=_LABEL,
        problem_type="regression",
        eval_metric="root_mean_squared_error",
        path=str(folder / "predictor"),
        verbosity=0,
    )
    levels = [dict(families)] + [dict(_stacked(families, stacked))] * stack_levels
    _fit(predictor, table, levels, folds, threads, time_limit_s, progress=progress)
    _check_complete(predictor, levels)
    info = EnsembleInfo(tuple(map(str, X.columns)), log_target)
    (folder / "ensemble.json").write_text(json.dumps(asdict(info), indent=1) + "\n", encoding="utf-8")
    return leaderboard(predictor)


class Ensemble:
    """A fitted ensemble read from its folder; only read folders you wrote (loading unpickles)."""

    def __init__(self, folder: Path) -> None:
        try:
            info = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
            self.info = EnsembleInfo(tuple(info["columns"]), info["log_target"])
            self.predictor = TabularPredictor.load(str(folder / "predictor"), verbosity=0)
        except Exception as error:  # whatever a file that is absent, or a torn pickle, raises
            raise EnsembleError(
                f"{folder} holds no whole ensemble: run the stage that fits it again"
            ) from error

    def predict(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Predictions in the target's unit, shape (rows,). Raises EnsembleError if a column is absent."""
        absent = [name for name in self.info.columns if name not in X.columns]
        if absent:
            raise EnsembleError(f"the ensemble needs the column {absent[0]!r}, which the table lacks")
        table = X[list(self.info.columns)].astype("float32")
        answer = np.asarray(self.predictor.predict(table), dtype=np.float64)
        return np.asarray(np.expm1(answer)) if self.info.log_target else answer


def leaderboard(predictor: TabularPredictor) -> pd.DataFrame:
    """One row a model: its name, family, stack level, out-of-fold rmse and weight in the final answer."""
    board = predictor.leaderboard(silent=True)
    final = str(predictor.model_best)
    weights = _weights(predictor, final)
    rows = pd.DataFrame(
        {
            "model": board["model"],
            "family": [_family(name) for name in board["model"]],
            "level": board["stack_level"],
            "oof_rmse": -board["score_val"],
            "weight": [weights.get(name, 0.0) for name in board["model"]],
            "final": board["model"] == final,
        }
    )
    return rows.sort_values(["oof_rmse", "model"], kind="stable").reset_index(drop=True)


class _Bar(AbstractCallback):  # type: ignore[misc]  # AutoGluon is untyped
    """A progress bar over the models as AutoGluon fits them."""

    def __init__(self, total: int, *, shown: bool) -> None:
        super().__init__()
        self.bar = tqdm(total=total, unit="model", desc="ensemble", disable=not shown)

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: AutoGluon pickles its callbacks with the models, and a bar on a terminal cannot be."""
        return {}

    def _after_model_fit(self, trainer: Any, **_: Any) -> bool:
        self.bar.update()
        best = trainer.leaderboard()["score_val"].max()
        self.bar.set_postfix_str(f"best rmse {-best:.4f}")
        return False

    def after_trainer_fit(self, trainer: Any) -> None:  # noqa: ARG002 (AutoGluon names it)
        """Close the bar when AutoGluon is done."""
        self.bar.close()


def _fit(
    predictor: TabularPredictor,
    table: pd.DataFrame,
    levels: Sequence[Mapping[str, Any]],
    folds: int,
    threads: int,
    time_limit_s: float | None,
    *,
    progress: bool,
) -> None:
    models = sum(_models(level) for level in levels)
    # No ray, no dynamic stacking: folds one after the other are faster on few cores and always the same.
    settings: dict[str, Any] = {
        "hyperparameters": {
            number: {CLASSES.get(name, name): _plain(given) for name, given in level.items()}
            for number, level in enumerate(levels, start=1)
        },
        "num_bag_folds": folds,
        "num_bag_sets": 1,
        "num_stack_levels": len(levels) - 1,
        "dynamic_stacking": False,
        "feature_generator": IdentityFeatureGenerator(),
        "ag_args_ensemble": {"fold_fitting_strategy": "sequential_local"},
        "num_cpus": threads,
        "num_gpus": 0,
        "time_limit": time_limit_s,
        "callbacks": [_Bar(models + len(levels), shown=progress)],
        "raise_on_model_failure": True,
    }
    try:
        with warnings.catch_warnings():
            # AutoGluon asks for a thousand quantiles whatever the number of rows.
            warnings.filterwarnings("ignore", "n_quantiles", UserWarning)
            predictor.fit(table, **settings)
    except Exception as error:  # whatever a family's library raises for a setting that it does not take
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EnsembleError(f"AutoGluon could not fit the ensemble ({reason}): mend the families") from error


def _check_complete(predictor: TabularPredictor, levels: Sequence[Mapping[str, Any]]) -> None:
    """Raise when the time limit made AutoGluon leave out a model: the result would depend on the machine."""
    board = predictor.leaderboard(silent=True)
    fitted = int((~board["model"].str.startswith("WeightedEnsemble")).sum())
    wanted = sum(_models(level) for level in levels)
    if fitted < wanted:
        raise EnsembleError(
            f"expected {wanted} models, got {fitted} before the time limit: raise it, or ask for fewer rounds"
        )


def _models(level: Mapping[str, Any]) -> int:
    """How many models a level asks for: a family may come with several settings."""
    return sum(len(given) if isinstance(given, Sequence) else 1 for given in level.values())


def _stacked(families: Mapping[str, Any], stacked: Sequence[str] | None) -> Mapping[str, Any]:
    return families if stacked is None else {name: families[name] for name in stacked}


def _check(
    X: pd.DataFrame,
    y: "pd.Series[float]",
    families: Mapping[str, Any],
    folds: int,
    stacked: Sequence[str],
) -> None:
    strangers = sorted(set(stacked) - set(families))
    if strangers:
        raise EnsembleError(f"stacked names {strangers[0]!r}, which is not among the families: add it there")
    unknown = sorted(set(families) - set(FAMILIES))
    if unknown or not families:
        got = repr(unknown[0]) if unknown else "none"
        raise EnsembleError(f"expected families among {', '.join(FAMILIES)}, got {got}: mend the list")
    if folds < 2 or len(X) < 5 * folds:
        raise EnsembleError(
            f"{folds} folds of {len(X)} rows: bagging needs 2 folds or more, and 5 rows a fold"
        )
    if y.isna().any() or y.nunique() < 2:
        raise EnsembleError("the target is missing somewhere, or constant: mend it in the prepared table")


def _plain(given: Any) -> Any:
    return [dict(one) for one in given] if isinstance(given, Sequence) else dict(given)


def _family(model: str) -> str:
    """What AutoGluon's model name says that it is."""
    starts = {
        "WeightedEnsemble": "weighted mean", "LightGBM": "boosting", "CatBoost": "boosting",
        "XGBoost": "boosting", "RandomForest": "bagging", "ExtraTrees": "bagging",
        "LinearModel": "linear", "NeuralNetTorch": "network", "KNeighbors": "neighbours",
    }  # fmt: skip
    return next((what for start, what in starts.items() if model.startswith(start)), "other")


def _weights(predictor: TabularPredictor, model: str) -> dict[str, float]:
    """The weights of the final mean by model name; a model that is no mean weighs 1 by itself."""
    loaded = predictor._trainer.load_model(model)
    if not hasattr(loaded, "models"):
        return {model: 1.0}
    inner = loaded.load_child(loaded.models[0])
    weights: Mapping[str, float] = getattr(inner, "_get_model_weights", dict)()
    return {str(name): float(weight) for name, weight in weights.items()} or {model: 1.0}
