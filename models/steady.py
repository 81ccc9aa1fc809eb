"""AutoGluon's families, answering in double precision and the same for a row whatever its company.

In single precision the order of a sum shows in its last digits, and a matrix product or several threads
choose another order for another number of rows; and where any row of a batch has a probability below 1e-7
AutoGluon divides all rows of the batch by their sums. A tree one stack level up compares such an answer with
a threshold: now and then a row would take another branch, and its prediction would depend on its company.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from autogluon.core.utils.utils import normalize_binary_probas
from autogluon.tabular.models import (
    CatBoostModel,
    LGBModel,
    LinearModel,
    RFModel,
    TabularNeuralNetTorchModel,
    XGBoostModel,
    XTModel,
)
from numpy.typing import NDArray
from scipy.special import expit, softmax
from torch import Tensor, nn

from models.xgboost_content import XGBoostContent

Floats = NDArray[np.float64]
LEAST = 1e-7
"""The smallest probability, AutoGluon's own: none is nought, for the log loss takes its logarithm."""


class _Rowwise:
    """What follows on a classifier's answers: no probability is nought, and each row adds up to 1."""

    problem_type: str

    def _predict_proba_internal(self, X: Any, *, normalize: bool | None = None, **kwargs: Any) -> Any:
        answers = np.asarray(self._predict_proba(X=X, **kwargs), dtype=np.float64)  # type: ignore[attr-defined]
        wanted = self.normalize_pred_probas if normalize is None else normalize  # type: ignore[attr-defined]
        if wanted and self.problem_type == "binary":
            answers = np.asarray(normalize_binary_probas(answers, LEAST))
        elif wanted:
            answers = np.maximum(answers, LEAST)
            answers = answers / answers.sum(axis=1, keepdims=True)
        return answers.astype(np.float32)


class _Scored(_Rowwise):
    """A family whose probabilities come from raw ``_scores``: (rows,) for two classes, or (rows, K)."""

    _scores: Callable[..., Any]

    def _predict_proba(self, X: Any, **kwargs: Any) -> Any:
        if self.problem_type == "regression":
            return super()._predict_proba(X, **kwargs)  # type: ignore[misc]
        scores = np.asarray(self._scores(X, **kwargs), dtype=np.float64)
        return expit(scores) if self.problem_type == "binary" else softmax(scores, axis=1)


class SteadyLightGBM(_Scored, LGBModel):  # type: ignore[misc]  # AutoGluon is untyped
    """Its raw scores are in double precision already."""

    def _scores(self, X: Any, num_cpus: int = 0, **kwargs: Any) -> Any:
        return self.model.predict(self.preprocess(X, **kwargs), raw_score=True, num_threads=num_cpus)


class SteadyCatBoost(_Scored, CatBoostModel):  # type: ignore[misc]
    """Its raw scores are in double precision already; its own probabilities are rounded."""

    def _scores(self, X: Any, **kwargs: Any) -> Any:
        return self.model.predict(self.preprocess(X, **kwargs), prediction_type="RawFormulaVal")


class SteadyForest(_Rowwise, RFModel):  # type: ignore[misc]
    """Its trees are averaged in double precision already."""


class SteadyExtraTrees(_Rowwise, XTModel):  # type: ignore[misc]
    """Its trees are averaged in double precision already."""


class SteadyNetwork(_Rowwise, TabularNeuralNetTorchModel):  # type: ignore[misc]
    """Fitted as ever in single precision; its answers are worked out in double precision."""

    def _predict_tabular_data(self, new_data: Any, process: bool = True) -> Floats:
        data = self._process_test_data(new_data) if process else new_data
        loader = data.build_loader(self.max_batch_size, self.num_dataloading_workers, is_test=True)
        asked = _Asked(self.model)
        weights = {name: _wide(value) for name, value in asked.state_dict().items()}
        answers = [torch.func.functional_call(asked, weights, ([*map(_wide, batch)],)) for batch in loader]
        return np.concatenate(answers)


class SteadyLinear(_Scored, LinearModel):  # type: ignore[misc]
    """Fitted as ever; what it was fitted to is made double precision."""

    def _fit(self, *args: Any, **kwargs: Any) -> None:
        super()._fit(*args, **kwargs)
        self.model.coef_ = np.asarray(self.model.coef_, dtype=np.float64)
        self.model.intercept_ = np.asarray(self.model.intercept_, dtype=np.float64)

    def _scores(self, X: Any, **kwargs: Any) -> Any:
        return self.model.decision_function(self.preprocess(X, **kwargs))


class SteadyXGBoost(_Scored, XGBoostModel):  # type: ignore[misc]
    """Fitted as ever; the values of the leaves that a row falls into are added up in double precision."""

    _leaves: tuple[Floats, list[tuple[int, Floats]]] | None = None

    def _predict_proba(self, X: Any, **kwargs: Any) -> Any:
        regression = self.problem_type == "regression"
        return self._scores(X, **kwargs) if regression else super()._predict_proba(X, **kwargs)

    def _scores(self, X: Any, num_cpus: int = -1, **kwargs: Any) -> Any:
        self.model.set_params(n_jobs=num_cpus)
        leaves_NT = np.asarray(self.model.apply(self.preprocess(X, **kwargs)), dtype=np.int64)
        # Read once: to write the trees as JSON takes longer than the answer.
        self._leaves = self._leaves or _leaf_values(self.model.get_booster())
        bases_K, trees = self._leaves
        total_NK = np.tile(bases_K, (len(leaves_NT), 1))
        for leaves_N, (score, values_L) in zip(leaves_NT.T, trees, strict=False):
            total_NK[:, score] += values_L[leaves_N]
        return total_NK if total_NK.shape[1] > 1 else total_NK[:, 0]


def _leaf_values(booster: Any) -> tuple[Floats, list[tuple[int, Floats]]]:
    """What the scores begin with, and of each tree the score that it adds to and its values by node."""
    content = XGBoostContent.of(booster)
    values = [np.array(tree["split_conditions"], np.float32).astype(np.float64) for tree in content.trees]
    return content.bases, list(zip(content.scores, values, strict=True))


class _Asked(nn.Module):
    """A network whose forward is its ``predict``."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: list[Tensor]) -> Any:
        return self.network.predict(batch)  # type: ignore[operator]


def _wide(value: Tensor) -> Tensor:
    return value.double() if value.is_floating_point() else value


CLASSES: dict[str, type] = {
    "GBM": SteadyLightGBM, "CAT": SteadyCatBoost, "XGB": SteadyXGBoost, "RF": SteadyForest,
    "XT": SteadyExtraTrees, "LR": SteadyLinear, "NN_TORCH": SteadyNetwork,
}  # fmt: skip
"""By family, the class that stands in for AutoGluon's own."""
