"""Real tables for benchmarks: split into train and test rows, and typed as a plain site spec would."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self
from zipfile import ZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import datasets

from features.columns import Column, Kind, raw_inputs
from features.encode import build_encoder, often_missing
from pipeline.columns import read_schema
from pipeline.files import read_parquet
from pipeline.tables import Selection, read_selection

TRAIN_ROWS, TEST_ROWS = 2000, 6000
"""At most, of a table: with more, neither side would be done in a minute."""


@dataclass(frozen=True)
class RealTable:
    """Rows to learn from and rows to answer, as they came, with the target column `target`.

    `kind` is the target's; numbers are learnt as they are, prices and counts as their logarithm.
    """

    name: str
    columns: tuple[Column, ...]
    train: pd.DataFrame
    test: pd.DataFrame
    target: str
    kind: Kind = "number"
    log: bool = False

    def first(self, rows: int) -> Self:
        """The same table with no more than `rows` to learn from."""
        return replace(self, train=self.train[:rows])

    def truth(self, rows: pd.DataFrame) -> NDArray[np.generic]:
        """The target of `rows` as both sides learn it: numbers, of the logarithm if `log`, or class names."""
        if self.kind == "category":
            return np.asarray(rows[self.target].astype(str))
        numbers = rows[self.target].to_numpy("float64")
        return np.log1p(numbers) if self.log else numbers

    def encode(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Train and test rows as our models get them."""
        raw, asked = raw_inputs(self.train, self.columns), raw_inputs(self.test, self.columns)
        encoder = build_encoder(self.columns, flag_missing=often_missing(raw, self.columns))
        return encoder.fit_transform(raw), encoder.transform(asked)


@dataclass(frozen=True)
class ChainTable(RealTable):
    """The chain's own: its derived columns, the columns it selected, and the encoder it fitted."""

    selection: Selection | None = None

    def encode(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """As `select_features` wrote it down."""
        assert self.selection is not None
        return self.selection.encode(self.train), self.selection.encode(self.test)


def chain_table(prepared: Path, selection: Path) -> RealTable:
    """The chain's table from the folders that its stages wrote: train and test split, raw columns."""
    schema = read_schema(prepared / "schema.json")
    train, test = (read_parquet(prepared / f"{part}.parquet") for part in ("train", "test"))
    chosen, target = read_selection(selection), schema.target.name
    return ChainTable("ames", schema.columns, train, test, target, log=True, selection=chosen)


def read_table(name: str, data: Path) -> RealTable:
    """The table `name` of either dictionary from the folder `data`; exits naming a file that is absent."""
    try:
        frame, target, kind, log = {**TABLES, **MORE_TABLES}[name](data)
    except FileNotFoundError as error:
        sys.exit(f"error: {name} needs {error.filename}, which is absent: name its folder with --data")
    places = np.random.default_rng(0).permutation(len(frame))
    cut = min(TRAIN_ROWS, round(0.7 * len(frame)))
    train, test = (
        frame.iloc[part].reset_index(drop=True) for part in (places[:cut], places[cut:][:TEST_ROWS])
    )
    return RealTable(name, _columns(frame.drop(columns=target)), train, test, target, kind, log)


Read = tuple[pd.DataFrame, str, Kind, bool]
"""A table, its target's name and kind, and whether the target's logarithm is learnt."""


def _columns(frame: pd.DataFrame) -> tuple[Column, ...]:
    """Numbers are numbers, all else unordered categories: no knowledge that the table itself lacks."""
    numeric = pd.api.types.is_numeric_dtype
    return tuple(Column(name, "number" if numeric(frame[name]) else "category") for name in frame.columns)


def _saratoga(data: Path) -> Read:
    frame = pd.read_csv(data / "rdatasets_mosaicData_SaratogaHouses.csv.gz")
    return frame.drop(columns="rownames").drop_duplicates(), "price", "number", True


def _diamonds(data: Path) -> Read:
    return pd.read_csv(data / "diamonds.csv.gz").drop_duplicates(), "price", "number", True


def _bikes(data: Path) -> Read:
    """Bicycles hired in an hour; without the date, a running number and the two parts of the count."""
    with ZipFile(data / "bike_sharing_dataset.zip") as archive, archive.open("hour.csv") as file:
        frame = pd.read_csv(file)
    return frame.drop(columns=["instant", "dteday", "casual", "registered"]), "cnt", "number", True


def _adults(data: Path) -> Read:
    frame = pd.read_parquet(data / "adults_full.parquet").drop_duplicates()
    texts = frame.select_dtypes("category").columns
    return frame.astype(dict.fromkeys(texts, object)), "class", "category", False


def _bank(data: Path) -> Read:
    return pd.read_csv(data / "pycaret_bank.csv.gz").drop_duplicates(), "deposit", "category", False


def _wine(data: Path) -> Read:
    """Judges' marks of wines as classes; the rare ones, 3 and 9, are joined with their neighbours."""
    frame = pd.read_csv(data / "pycaret_wine.csv.gz").drop_duplicates()
    return frame.assign(quality=frame["quality"].clip(4, 8).astype(str)), "quality", "category", False


def _learn(load: Callable[..., tuple[pd.DataFrame, "pd.Series[float]"]], kind: Kind, _: Path) -> Read:
    """A table that comes with scikit-learn."""
    X, y = load(return_X_y=True, as_frame=True)
    return X.assign(answer=y.astype(str) if kind == "category" else y), "answer", kind, False


def _plain(file: str, target: str, leave: Sequence[str], data: Path) -> Read:
    """A table of prices or measures in one file, without the columns `leave`."""
    frame = pd.read_csv(data / file).drop_duplicates().drop(columns=list(leave)).dropna(subset=[target])
    return frame.reset_index(drop=True), target, "number", True


TABLES: dict[str, Callable[[Path], Read]] = {
    "saratoga": _saratoga,
    "diamonds": _diamonds,
    "bikes": _bikes,
    "adults": _adults,
    "bank": _bank,
    "wine": _wine,
    "digits": partial(_learn, datasets.load_digits, "category"),
}
"""By name, how a table is read from the folder of the data."""

MORE_TABLES: dict[str, Callable[[Path], Read]] = {
    "insurance": partial(_plain, "pycaret_insurance.csv.gz", "charges", ()),
    "mpg": partial(_plain, "seaborn_mpg.csv.gz", "mpg", ("name",)),
    "taxis": partial(_plain, "seaborn_taxis.csv.gz", "fare", ("pickup", "dropoff", "total", "tip", "tolls")),
}
"""Further ones of numbers, on which `starts.py` looks for parameters."""
