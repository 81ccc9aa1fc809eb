"""The ways to combine models, step by step: one tree, bagged, boosted, stacked, and AutoGluon's ensemble.

Bagging (Breiman 1996, "Bagging Predictors") averages many copies of a learner; boosting (Friedman 2001) fits
each small tree to what those before it leave; stacking (Wolpert 1992; Breiman 1996, "Stacked Regressions")
weighs different learners by their out-of-fold answers.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from joblib import parallel_config
from lightgbm import LGBMRegressor
from numpy.typing import NDArray
from sklearn.ensemble import BaggingRegressor, StackingRegressor
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from models.ensemble import Ensemble
from models.ensemble_fit import fit_ensemble
from models.refits import Floats, Learner


def step_learners(
    *,
    min_leaf: int,
    bagged_trees: int,
    boosted: Mapping[str, Any],
    stacked_folds: int,
    threads: int,
) -> dict[str, Learner]:
    """A single tree and what bagging, boosting and stacking make of trees, by name.

    The tree splits until a leaf would have fewer than `min_leaf` rows; `bagged_trees` of that very tree, each
    grown on a bootstrap draw, are averaged. `boosted` are LightGBM's `n_estimators`, `learning_rate` and
    `num_leaves`. The stack weighs boosted and bagged trees and a ridge regression, without negative weights,
    by their answers out of `stacked_folds` folds.
    """

    def tree(seed: int) -> Any:
        return DecisionTreeRegressor(min_samples_leaf=min_leaf, random_state=seed)

    def bagged(seed: int) -> Any:
        return BaggingRegressor(tree(seed), n_estimators=bagged_trees, random_state=seed, n_jobs=threads)

    def boost(seed: int) -> Any:
        return LGBMRegressor(
            **boosted, random_state=seed, n_jobs=threads, deterministic=True, force_row_wise=True, verbose=-1
        )

    def stack(seed: int) -> Any:
        linear = make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-1, 4, 11)))
        return StackingRegressor(
            [("bagged", bagged(seed)), ("boosted", boost(seed)), ("linear", linear)],
            final_estimator=LinearRegression(positive=True),
            cv=KFold(stacked_folds, shuffle=True, random_state=seed),
        )

    builders = {"single tree": tree, "bagged": bagged, "boosted": boost, "stacked": stack}
    return {name: _fitted(build) for name, build in builders.items()}


def final_ensemble(
    *,
    families: Mapping[str, Mapping[str, Any] | Sequence[Mapping[str, Any]]],
    folds: int,
    stack_levels: int,
    stacked: Sequence[str],
    threads: int,
    time_limit_s: float,
) -> Learner:
    """AutoGluon's final ensemble, see `models.ensemble.fit_ensemble`, with one seed for all refits."""

    def answer(X: Floats, y: Floats, X_test: Floats, seed: int) -> NDArray[np.float64]:  # noqa: ARG001
        with TemporaryDirectory(prefix="millrace-") as folder:
            fit_ensemble(
                pd.DataFrame(X).add_prefix("x"),
                pd.Series(y),
                folder=Path(folder),
                families=families,
                folds=folds,
                stack_levels=stack_levels,
                stacked=stacked,
                log_target=False,  # y is on the scale of the loss already
                threads=threads,
                time_limit_s=time_limit_s,
                progress=False,
            )
            return Ensemble(Path(folder)).predict(pd.DataFrame(X_test).add_prefix("x"))

    return answer


def _fitted(build: Callable[[int], Any]) -> Learner:
    """The scikit-learn model that `build` makes of a seed, as a learner."""

    def answer(X: Floats, y: Floats, X_test: Floats, seed: int) -> NDArray[np.float64]:
        with parallel_config(backend="threading"):  # trees let threads run; processes would copy the rows
            model = build(seed).fit(X, y)
            return np.asarray(model.predict(X_test), dtype=np.float64)

    return answer
