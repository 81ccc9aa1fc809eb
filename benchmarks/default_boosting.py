"""CatBoost and LightGBM as their documentation starts: default settings, every raw column, no encoding."""

from typing import Any

import numpy as np
import pandas as pd

from features.columns import raw_inputs
from pipeline.columns import Schema


def peers(*, quick: bool) -> dict[str, Any]:
    """The peers by name."""
    if quick:
        return {"catboost": lambda *tables: catboost(*tables, log=False)}
    return {
        "catboost": lambda *tables: catboost(*tables, log=False),
        "catboost of log price": lambda *tables: catboost(*tables, log=True),
        "lightgbm": lambda *tables: lightgbm(*tables, log=False),
        "lightgbm of log price": lambda *tables: lightgbm(*tables, log=True),
    }


def catboost(schema: Schema, train: pd.DataFrame, test: pd.DataFrame, *, log: bool) -> Any:
    """Predictions of CatBoost with default settings."""
    from catboost import CatBoostRegressor

    names = [column.name for column in schema.columns if column.kind == "category"]
    model = CatBoostRegressor(verbose=0, allow_writing_files=False, random_seed=0, cat_features=names)
    return _fit_predict(
        model, schema, raw_inputs(train, schema.columns), train, raw_inputs(test, schema.columns), log=log
    )


def lightgbm(schema: Schema, train: pd.DataFrame, test: pd.DataFrame, *, log: bool) -> Any:
    """Predictions of LightGBM with default settings."""
    from lightgbm import LGBMRegressor

    both = raw_inputs(pd.concat([train, test], keys=["train", "test"]), schema.columns)
    for column in schema.columns:
        if column.kind == "category":
            both[column.name] = both[column.name].astype("category")
    parts = {name: both.loc[[name]].droplevel(0) for name in ("train", "test")}
    model = LGBMRegressor(verbose=-1, random_state=0, n_jobs=1)
    return _fit_predict(model, schema, parts["train"], train, parts["test"], log=log)


def _fit_predict(
    model: Any, schema: Schema, X: pd.DataFrame, train: pd.DataFrame, X_test: pd.DataFrame, *, log: bool
) -> Any:
    y = train[schema.target.name].to_numpy("float64")
    model.fit(X, np.log1p(y) if log else y)
    return np.expm1(model.predict(X_test)) if log else model.predict(X_test)
