"""AutoGluon's torch network, linear model and XGBoost, answering in double precision.

In single precision the order of a sum shows in its last digits, and a matrix product or several threads
choose another order for another number of rows. A tree one stack level up compares such an answer with a
threshold: now and then a row would take another branch, and its prediction would depend on its company.
"""

import json
from typing import Any

import numpy as np
import torch
from autogluon.tabular.models import LinearModel, TabularNeuralNetTorchModel, XGBoostModel
from numpy.typing import NDArray
from torch import Tensor, nn


class SteadyNetwork(TabularNeuralNetTorchModel):  # type: ignore[misc]  # AutoGluon is untyped
    """Fitted as ever in single precision; its answers are worked out in double precision."""

    def _predict_tabular_data(self, new_data: Any, process: bool = True) -> NDArray[np.float64]:
        data = self._process_test_data(new_data) if process else new_data
        loader = data.build_loader(self.max_batch_size, self.num_dataloading_workers, is_test=True)
        asked = _Asked(self.model)
        weights = {name: _wide(value) for name, value in asked.state_dict().items()}
        answers = [torch.func.functional_call(asked, weights, ([*map(_wide, batch)],)) for batch in loader]
        return np.concatenate(answers)


class SteadyLinear(LinearModel):  # type: ignore[misc]
    """Fitted as ever; what it was fitted to is made double precision."""

    def _fit(self, *args: Any, **kwargs: Any) -> None:
        super()._fit(*args, **kwargs)
        self.model.coef_ = np.asarray(self.model.coef_, dtype=np.float64)
        self.model.intercept_ = np.asarray(self.model.intercept_, dtype=np.float64)


class SteadyXGBoost(XGBoostModel):  # type: ignore[misc]
    """Fitted as ever; the values of the leaves that a row falls into are added up in double precision."""

    _leaves: tuple[float, list[NDArray[np.float64]]] | None = None

    def _predict_proba(self, X: Any, num_cpus: int = -1, **kwargs: Any) -> NDArray[np.float64]:
        if self.problem_type != "regression":
            return np.asarray(super()._predict_proba(X, num_cpus=num_cpus, **kwargs))
        self.model.set_params(n_jobs=num_cpus)
        leaves_NT = np.asarray(self.model.apply(self.preprocess(X, **kwargs)), dtype=np.int64)
        # Read once: to write the trees as JSON takes longer than the answer.
        self._leaves = self._leaves or _leaf_values(self.model.get_booster())
        base, values_TL = self._leaves
        total_N = np.full(len(leaves_NT), base)
        for leaves_N, values_L in zip(leaves_NT.T, values_TL, strict=False):
            total_N += values_L[leaves_N]
        return total_N


def _leaf_values(booster: Any) -> tuple[float, list[NDArray[np.float64]]]:
    """The score that the sum begins with, and each tree's values by number of node."""
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    base = np.float32(learner["learner_model_param"]["base_score"].strip("[]"))
    trees = learner["gradient_booster"]["model"]["trees"]
    values = [np.array(tree["split_conditions"], dtype=np.float32).astype(np.float64) for tree in trees]
    return float(base), values


class _Asked(nn.Module):
    """A network whose forward is its ``predict``."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: list[Tensor]) -> Any:
        return self.network.predict(batch)  # type: ignore[operator]


def _wide(value: Tensor) -> Tensor:
    return value.double() if value.is_floating_point() else value
