"""Tables of the chain: a part of the split as the raw inputs, the model's columns and the target."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer

from features.columns import Column, raw_inputs
from features.derive import sources, with_derived
from pipeline.columns import Schema, read_schema, write_schema
from pipeline.errors import InputError
from pipeline.files import read_json, read_parquet, whole_file, write_json

SLICE = "slice_"
"""Before a slicing's name, in evaluate's table of test rows: the column with the slice of each row."""


@dataclass(frozen=True)
class Selection:
    """What select_features hands on: the chosen columns, the raw inputs they are made of, and the encoder.

    `chosen` are raw or derived columns; `inputs.columns` are the raw ones that the graph asks for and
    `inputs.formulas` how the derived ones come from them.
    """

    chosen: tuple[Column, ...]
    inputs: Schema
    encoder: ColumnTransformer

    def raw(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The raw inputs of `frame`, as the graph and the service get them."""
        return raw_inputs(frame, self.inputs.columns)

    def encode(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The float32 frame (rows, features) that models learn from; an infinite number counts as missing."""
        derived = with_derived(self.raw(frame), self.inputs.formulas)[[column.name for column in self.chosen]]
        derived = derived.replace([np.inf, -np.inf], np.nan)
        return pd.DataFrame(self.encoder.transform(derived)).astype("float32")


def narrowed(schema: Schema, chosen: Sequence[Column]) -> Schema:
    """`schema` with only the raw columns and formulas that `chosen` are made of, in the same order."""
    names = {column.name for column in chosen}
    formulas = {name: text for name, text in schema.formulas.items() if name in names}
    needed = set(sources(names, formulas))
    columns = tuple(column for column in schema.columns if column.name in needed)
    return replace(schema, columns=columns, formulas=formulas)


def read_selection(folder: Path) -> Selection:
    """Read what `write_selection` wrote."""
    inputs = read_schema(folder / "inputs.json")
    chosen = tuple(Column.from_dict(column) for column in read_json(folder / "columns.json"))
    path = folder / "encoder.joblib"
    try:
        return Selection(chosen, inputs, joblib.load(path))
    except Exception as error:  # whatever a torn pickle raises
        raise InputError(f"{path} cannot be read: run the stage select_features again") from error


def write_selection(folder: Path, selection: Selection) -> None:
    """Write a selection as inputs.json, columns.json and encoder.joblib."""
    write_schema(folder / "inputs.json", selection.inputs)
    write_json(folder / "columns.json", [column.to_dict() for column in selection.chosen])
    with whole_file(folder / "encoder.joblib") as fresh:
        joblib.dump(selection.encoder, fresh)


def read_encoded(path: Path, selection: Selection) -> tuple[pd.DataFrame, "pd.Series[float]"]:
    """One part of the split as the float32 frame that models learn from, and its target."""
    frame, y = read_part(path, selection.inputs.target.name)
    return selection.encode(frame), y


def read_part(path: Path, target: str) -> tuple[pd.DataFrame, "pd.Series[float]"]:
    """One part of the split, from its Parquet file: its table and its target."""
    frame = read_parquet(path)
    if frame.empty:
        raise InputError(f"{path} has no rows: crawl more records or mend prepare.fractions")
    return frame, frame[target]
