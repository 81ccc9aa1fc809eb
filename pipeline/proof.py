"""What an export must show before it writes a bundle: the graph answers as Python does, and behaves."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from onnx import ModelProto

from models.behaviour.sample import Answer, Columns
from models.conformal import Interval
from models.export.interval import interval_outputs
from models.export.parity import GraphSession, check_cases, check_parity
from pipeline.params_export import ExportParams
from pipeline.tables import Selection


def names(chosen: Selection, kind: str) -> list[str]:
    """The raw inputs of one kind."""
    return [column.name for column in chosen.inputs.columns if column.kind == kind]


def prove_parity(
    graph: ModelProto,
    chosen: Selection,
    python: Answer,
    interval: Interval,
    rows: pd.DataFrame,
    wanted: ExportParams,
    *,
    predicted: str,
    splits: Mapping[str, NDArray[np.float32]] | None = None,
    spoilt_rows: int | None = None,
) -> dict[str, Any]:
    """The content of parity.json: every case's differences, and each row's key and answer.

    ROWS are evaluate's, with the answers of the model itself in the column `predicted`; `python` answers from
    raw columns, and `interval` lies round its answers. `splits` and `spoilt_rows` as in `check_cases`. Raises
    ParityError for the first row on which graph and Python differ by more than the tolerance.
    """

    def answers(columns: Columns) -> dict[str, NDArray[np.float64]]:
        return with_ends(python(columns), interval, wanted.output)

    inputs = {str(name): values.to_numpy() for name, values in chosen.raw(rows).items()}
    truth = rows[predicted].to_numpy()
    ends = with_ends(truth, interval, wanted.output)
    same = check_parity(graph, inputs, ends, tolerance=wanted.tolerance, case="as evaluated")
    cases = check_cases(
        graph,
        inputs,
        answers,
        numbers=names(chosen, "number"),
        categories=names(chosen, "category"),
        tolerance=wanted.tolerance,
        splits=splits,
        spoilt_rows=spoilt_rows,
    )
    reports = {"as evaluated": same, **cases}
    return {
        "tolerance": wanted.tolerance,
        "cases": [{"name": name, **report.to_dict()} for name, report in reports.items()],
        "answers": {"keys": rows[chosen.inputs.key].tolist(), wanted.output: truth.tolist()},
    }


def with_ends(
    predicted: NDArray[np.float64], interval: Interval, output: str
) -> dict[str, NDArray[np.float64]]:
    """Answers with the ends of their interval, by the graph's names for them."""
    return {output: predicted, **dict(zip(interval_outputs(output), interval.around(predicted), strict=True))}


def graph_path(graph: ModelProto, chosen: Selection) -> Answer:
    """The graph's answers to columns as people write them, typed first, as the service types them.

    ONNX cannot fold white space in a text, hence graphs take it folded.
    """
    session = GraphSession(graph)

    def answer(columns: Columns) -> NDArray[np.float64]:
        raw = chosen.raw(pd.DataFrame(dict(columns)))
        return session.answer({str(name): values.to_numpy() for name, values in raw.items()})

    return answer
