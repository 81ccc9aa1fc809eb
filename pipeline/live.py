"""A served model, asked for predictions over HTTP as any client asks."""

from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import requests

from models.behaviour.outcome import refuse_failures, tightest
from models.behaviour.sample import Columns, Floats, UnknownFieldError
from pipeline.behaviour import behave
from pipeline.errors import ServiceError
from pipeline.files import read_parquet
from pipeline.params import read_params
from pipeline.tables import read_selection

ROWS_PER_REQUEST = 200
TIMEOUT_S = 30.0


class LiveModel:
    """The model `name` of a running service at `url`; `output` is the field of its answers that is read."""

    def __init__(self, url: str, name: str, *, output: str) -> None:
        self._url, self._output = f"{url.rstrip('/')}/models/{name}/predict", output
        self._session = requests.Session()

    def answer(self, columns: Columns) -> Floats:
        """The answers (rows,) to raw columns; a missing value is left out of its record.

        Raises UnknownFieldError when the service refuses a field, in words that name it, because the model
        has none such, ServiceError when it cannot be reached, refuses the records or answers otherwise.
        """
        records = _records(columns)
        parts = [
            self._ask(records[start : start + ROWS_PER_REQUEST])
            for start in range(0, len(records), ROWS_PER_REQUEST)
        ]
        return np.array([value for part in parts for value in part], dtype=np.float64)

    def _ask(self, records: list[dict[str, Any]]) -> list[float]:
        try:
            response = self._session.post(self._url, json=records, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            raise ServiceError(
                f"{self._url}: expected an answer, got {type(error).__name__}: start `millrace serve`"
            ) from error
        if response.status_code != requests.codes.ok:
            self._refused(response)
        try:
            return [float(one[self._output]) for one in response.json()["predictions"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceError(
                f"{self._url}: expected a number {self._output!r} a record, got {response.text[:200]!r}"
            ) from error

    def _refused(self, response: requests.Response) -> None:
        said = response.text[:300]
        refusal = f"{self._url}: expected answers, got status {response.status_code}: {said}"
        if response.status_code == requests.codes.bad_request and "has no field" in said:
            raise UnknownFieldError(refusal)
        raise ServiceError(refusal)


def check_service(url: str, selection: Path, rows: Path, params: Path) -> Iterator[str]:
    """Test the service at `url` as `export` tests the graph; yields what is to be printed, a check a line.

    Raises BehaviourError after the last line when a test failed.
    """
    wanted = read_params(params).export
    model = LiveModel(url, wanted.name, output=wanted.output)
    found = behave(model.answer, read_selection(selection), read_parquet(rows), wanted.behaviour)
    for nearest, count, passed in tightest(found):
        share = f"{passed} of {count} passed"
        yield (
            f"{nearest.kind:12}{nearest.check:22}{share:18}{nearest.measured:12.6g}, {nearest.expected}: "
            f"{nearest.subject}"
        )
    refuse_failures(found, url)


def _records(columns: Columns) -> list[dict[str, Any]]:
    """One object a row, without its missing values."""
    names = list(columns)
    plain = [values.tolist() for values in columns.values()]
    return [
        {name: value for name, value in zip(names, row, strict=True) if not _is_missing(value)}
        for row in zip(*plain, strict=True)
    ]


def _is_missing(value: object) -> bool:
    return value == "" or (isinstance(value, float) and isnan(value))
