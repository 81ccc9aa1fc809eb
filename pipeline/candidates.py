"""What could be served: the network, the ensemble, means of its members, each with its loss and latency."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from onnx import ModelProto

from models.ensemble import Ensemble
from models.export.candidates import latency_ms, member_candidates, seconds
from models.export.table import export_ensemble_table
from models.front import Candidate
from models.pruning import Floats, Loss
from pipeline.served import Served, columns_of
from pipeline.tables import Selection


def candidates(
    chosen: Selection,
    fitted: Ensemble,
    network: Served,
    *,
    train: "pd.Series[float]",
    validation: tuple[pd.DataFrame, "pd.Series[float]"],
) -> list[Candidate]:
    """The network, the whole ensemble, its members, ever smaller means of them, and AutoGluon itself.

    `train` is the target of the rows that the ensemble learnt from. Losses are RMSLE on the `validation`
    rows, latencies those of the first of them, raw; AutoGluon's models are kept in memory meanwhile.
    """
    frame, truth = validation
    raw, encoded, loss = chosen.raw(frame), chosen.encode(frame), rmse_of_logs(truth)
    one = {str(name): raw[[name]].to_numpy()[:1] for name in raw.columns}
    columns = {str(name): values.to_numpy() for name, values in raw.items()}

    def graph(weights: Mapping[str, float] | None = None) -> ModelProto:
        asked: dict[str, Any] = {**columns_of(chosen), "output": "answer", "weights": weights}
        return export_ensemble_table(chosen.encoder, fitted, **asked).model

    fitted.predictor.persist()
    whole = loss(np.log1p(fitted.predict(encoded)))
    taught = loss(np.log1p(network.python(columns)))
    members = member_candidates(
        fitted.below(), _wide(fitted.out_of_fold()), _wide(fitted.members(encoded)),
        (rmse_of_logs(train), loss), lambda weights: latency_ms(graph(weights), one),
    )  # fmt: skip
    first = frame.iloc[:1]
    python_ms = 1000 * seconds(lambda: fitted.predict(chosen.encode(first)))
    return [
        Candidate("network", "network", taught, latency_ms(network.graph, one)),
        Candidate("whole ensemble", "ensemble", whole, latency_ms(graph(), one)),
        *members,
        Candidate("AutoGluon", "ensemble", whole, python_ms, graph=False),
    ]


def rmse_of_logs(y: "pd.Series[float]") -> Loss:
    """The loss of answers on the scale log(1 + y)."""
    truth = np.log1p(y.to_numpy("float64"))

    def loss(answer: Floats) -> float:
        return float(np.sqrt(np.mean((answer - truth) ** 2)))

    return loss


def _wide(answers: Mapping[str, Any]) -> dict[str, Floats]:
    return {name: np.asarray(values, dtype=np.float64) for name, values in answers.items()}
