"""Minimum function: simple rows whose answer anyone can tell roughly."""

from collections.abc import Mapping

import numpy as np

from models.behaviour.outcome import Outcome
from models.behaviour.sample import Answer, Sample, asked


def named_case(
    answer: Answer, sample: Sample, name: str, record: Mapping[str, float | str], *, low: float, high: float
) -> Outcome:
    """One row that has the fields of ``record`` and no others: its answer lies between ``low`` and ``high``.

    A field that the model does not read is passed over.
    """
    row = sample.taken(np.arange(len(sample.keys)) == 0)
    columns = {column: row.missing(column) for column in row.columns}
    for column in columns.keys() & record.keys():
        columns[column] = np.array([record[column]], dtype=columns[column].dtype)
    (got,) = asked(answer, columns)
    return Outcome("minimum", name, _told(record), 1, float(got), low=low, high=high)


def _told(record: Mapping[str, float | str]) -> str:
    return ", ".join(
        f"{column} {value if isinstance(value, str) else format(value, 'g')}"
        for column, value in record.items()
    )
