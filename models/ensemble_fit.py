"""The ensemble is fitted: AutoGluon bags, boosts and stacks the families it is given, and weights what helps.

Bagging (Breiman 1996): each model is fitted once per fold and its folds are averaged. Stacking (Wolpert
1992): models of the next level also see the out-of-fold predictions of the one below. The last word is a
greedy weighted mean (Caruana et al. 2004). See Erickson et al. 2020, https://arxiv.org/abs/2003.06505.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from autogluon.core.callbacks import AbstractCallback
from autogluon.features.generators import IdentityFeatureGenerator
from autogluon.tabular import TabularPredictor
from numpy.typing import NDArray
from tqdm import tqdm

from models.ensemble import all_classes
from models.ensemble_info import EnsembleInfo
from models.errors import EnsembleError
from models.leaderboard import leaderboard
from models.steady import CLASSES
from models.temperature import fit_temperature

FAMILIES = {
    "GBM": "boosting", "CAT": "boosting", "XGB": "boosting",
    "RF": "bagging", "XT": "bagging",
    "LR": "linear", "NN_TORCH": "network", "KNN": "neighbours",
}  # fmt: skip
"""The families that may be asked for, and what each is by itself."""

METRICS = {
    "regression": "root_mean_squared_error", "binary": "log_loss", "multiclass": "log_loss",
}  # fmt: skip
"""By problem, the error that AutoGluon weighs its models by."""

LEAST_ROWS = 10
"""Of a class: AutoGluon would leave out, or copy, the rows of a rarer one."""

_LABEL = "__target__"


def fit_ensemble(
    X: pd.DataFrame,
    y: "pd.Series[Any]",
    *,
    folder: Path,
    families: Mapping[str, Mapping[str, Any] | Sequence[Mapping[str, Any]]],
    folds: int,
    stack_levels: int,
    stacked: Sequence[str] | None = None,
    target: Literal["number", "category"] = "number",
    log_target: bool = True,
    threads: int = 1,
    time_limit_s: float | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Fit on numeric X (rows, columns; no NaN) and y, save under `folder`, return the leaderboard.

    y holds numbers, above -1 if `log_target`, or classes if the `target` is a category. `families` maps
    AutoGluon's family keys to hyper-parameters with a fixed number of rounds, so that the
    same call gives the same ensemble; `time_limit_s` is a safety net only. `folds` of at least 2 are bagged;
    `stack_levels` of 0 or more are put on top, of the families named in `stacked`
    (all, if None). Leaderboard: model, family, level, out-of-fold error and its weight in the final mean,
    best first. The error is rmse (of the logarithms if `log_target`: RMSLE), or the log loss of
    classes, whose temperature is fitted to the out-of-fold answers.
    Raises EnsembleError for an unknown family, too few rows, or when no model could be fitted.
    """
    _check(X, y, families, folds, stacked or ())
    label, info = _learnt(X, y, target, log_target=log_target)
    table = X.astype("float32").assign(**{_LABEL: label})
    predictor = TabularPredictor(
        label=_LABEL,
        problem_type=info.problem,
        eval_metric=METRICS[info.problem],
        path=str(folder / "predictor"),
        verbosity=0,
    )
    upper = _stacked(families, families if stacked is None else stacked, info.problem)
    levels = [dict(families)] + [upper] * stack_levels
    _fit(predictor, table, levels, folds, threads, time_limit_s, progress=progress)
    _check_complete(predictor, levels)
    if info.classes:
        shares = all_classes(predictor.predict_proba_oof(as_multiclass=False))
        info = replace(info, temperature=fit_temperature(shares, np.asarray(label, dtype=np.int64)))
    info.write(folder)
    return leaderboard(predictor)


def _learnt(
    X: pd.DataFrame, y: "pd.Series[Any]", target: str, *, log_target: bool
) -> tuple[NDArray[Any], EnsembleInfo]:
    """What the models are to learn, and what the ensemble must remember of it."""
    columns = tuple(map(str, X.columns))
    if target == "number":
        numbers = y.to_numpy(dtype="float64")
        return (np.log1p(numbers) if log_target else numbers), EnsembleInfo(columns, log_target)
    names, counts = np.unique(y.to_numpy(), return_counts=True)
    if counts.min() < LEAST_ROWS:
        rare = names[counts.argmin()]
        raise EnsembleError(
            f"class {str(rare)!r} has {counts.min()} rows, expected {LEAST_ROWS} or more: "
            "join it with another class or leave its rows out"
        )
    problem = "binary" if len(names) == 2 else "multiclass"
    return np.searchsorted(names, y.to_numpy()), EnsembleInfo(
        columns, problem=problem, classes=tuple(map(str, names))
    )


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
        self.bar.set_postfix_str(f"least error {-best:.4f}")
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
        "calibrate": False,
        "calibrate_decision_threshold": False,
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
            # AutoGluon sets a number of threads that scikit-learn's logistic regression no longer takes.
            warnings.filterwarnings("ignore", "'n_jobs' has no effect", FutureWarning)
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


def _stacked(families: Mapping[str, Any], stacked: Iterable[str], problem: str) -> dict[str, Any]:
    """The families of a level on top.

    Of classes, a linear one reads the answers below alone. Beside columns of rare values it would find a
    row's own class in the answers to rows like it, which learnt from that row: on 2,000 rows of census data
    the log loss was 0.27 out of fold and 0.35 on other rows; of the answers alone it was 0.31 on both.
    """
    chosen = {name: families[name] for name in stacked}
    if "LR" in chosen and problem != "regression":
        several = [chosen["LR"]] if isinstance(chosen["LR"], Mapping) else chosen["LR"]
        chosen["LR"] = [_of_answers(given) for given in several]
    return chosen


def _of_answers(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a model, which one level up shall read no column of the table."""
    bagging = {"use_orig_features": False, **given.get("ag_args_ensemble", {})}
    return {**given, "ag_args_ensemble": bagging}


def _check(
    X: pd.DataFrame,
    y: "pd.Series[Any]",
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
