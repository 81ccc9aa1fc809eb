"""The leaderboard of an ensemble: what every model of it is, how good it is and how much it counts."""

from collections.abc import Mapping

import pandas as pd
from autogluon.tabular import TabularPredictor

LOSSES = {"regression": "oof_rmse", "binary": "oof_log_loss", "multiclass": "oof_log_loss"}
"""By problem, the leaderboard's column of out-of-fold errors."""

_STARTS = {
    "WeightedEnsemble": "weighted mean", "LightGBM": "boosting", "CatBoost": "boosting",
    "XGBoost": "boosting", "RandomForest": "bagging", "ExtraTrees": "bagging",
    "LinearModel": "linear", "NeuralNetTorch": "network", "KNeighbors": "neighbours",
}  # fmt: skip
"""What AutoGluon's model names begin with."""


def leaderboard(predictor: TabularPredictor) -> pd.DataFrame:
    """One row a model: its name, family, stack level, out-of-fold error and weight in the final answer."""
    board = predictor.leaderboard(silent=True)
    final = str(predictor.model_best)
    weights = _weights(predictor, final)
    loss = LOSSES[predictor.problem_type]
    rows = pd.DataFrame(
        {
            "model": board["model"],
            "family": [_family(name) for name in board["model"]],
            "level": board["stack_level"],
            loss: -board["score_val"],
            "weight": [weights.get(name, 0.0) for name in board["model"]],
            "final": board["model"] == final,
        }
    )
    return rows.sort_values([loss, "model"], kind="stable").reset_index(drop=True)


def _family(model: str) -> str:
    return next((what for start, what in _STARTS.items() if model.startswith(start)), "other")


def _weights(predictor: TabularPredictor, model: str) -> dict[str, float]:
    """The weights of the final mean by model name; a model that is no mean weighs 1 by itself."""
    loaded = predictor._trainer.load_model(model)
    if not hasattr(loaded, "models"):
        return {model: 1.0}
    inner = loaded.load_child(loaded.models[0])
    weights: Mapping[str, float] = getattr(inner, "_get_model_weights", dict)()
    return {str(name): float(weight) for name, weight in weights.items()} or {model: 1.0}
