"""What AutoGluon's linear model and network do to their columns, for all folds of a model at once.

Steps are collected first, equal ones once, and then written as one node for all columns of all folds: a
node costs about a microsecond whatever it holds.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from models.errors import ExportError
from models.export.builder import GraphBuilder
from models.export.quantiles import Pieces, normal_scores, transformer_pieces

Place = tuple[str, int]
"""A prepared column: the kind of step, and its number among the steps of that kind."""

Layer = tuple[NDArray[Any], NDArray[Any]]
"""The weight [out, in] and bias [out] of a linear layer."""


class PreparedColumns:
    """Columns of a float32 matrix on their way through fitted ColumnTransformers.

    A column of ``binary`` is 0 or 1 and nothing else: what its quantiles make of these two is a constant.
    ``add`` returns where the output of a transformer will lie; ``write`` writes all steps; ``matrix`` then
    gathers one transformer's output.
    """

    def __init__(
        self, builder: GraphBuilder, x: str, names: Sequence[str], *, binary: Collection[str] = ()
    ) -> None:
        self._builder, self._x = builder, x
        self._binary = {place for place, name in enumerate(names) if name in binary}
        self._at = {name: place for place, name in enumerate(names)}
        self._steps: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = {
            "scaled": {},
            "quantile": {},
            "binary": {},
            "equal": {},
        }
        self._kinds: dict[str, int] = {}
        self._written = ""

    def add(self, transformer: ColumnTransformer) -> list[Place]:
        """Take note of a fitted transformer; returns the place of each column of its output.

        Raises ExportError for a step that there is no graph of.
        """
        places: list[Place] = []
        for name, step, columns in transformer.transformers_:
            if step in ("drop", "passthrough") and not len(columns):
                continue
            if not hasattr(step, "steps"):
                raise ExportError(
                    f"expected pipelines of known steps, got {name!r}: {step}; use other families"
                )
            places += self._pipeline(step.steps[-1][1], [self._at[column] for column in columns])
        return places

    def _pipeline(self, step: Any, columns: list[int]) -> list[Place]:
        """The last step of a pipeline; the one before it fills in missing values, of which there are none."""
        if isinstance(step, StandardScaler):
            scale = np.ones(len(columns)) if step.scale_ is None else step.scale_
            mean = np.zeros(len(columns)) if step.mean_ is None else step.mean_
            return [
                self._note("scaled", (c, float(m), float(s)), (c, m, s))
                for c, m, s in zip(columns, mean, scale, strict=True)
            ]
        if isinstance(step, QuantileTransformer):
            return self._quantiles(step, columns)
        if type(step).__name__ == "OneHotMergeRaresHandleUnknownEncoder":
            return [
                self._note("equal", (c, value), (c, value))
                for c, values in zip(columns, _categories(step), strict=True)
                for value in values
            ]
        raise ExportError(f"expected a scaler, quantiles or 0/1 columns, got {step}; use other families")

    def _quantiles(self, step: QuantileTransformer, columns: list[int]) -> list[Place]:
        tables = transformer_pieces(step)
        lows, highs = step.transform(np.repeat(np.eye(2, 1, -1, dtype=np.float32), len(columns), axis=1))
        return [
            self._note("binary", (c, float(low), float(high)), (c, low, high))
            if c in self._binary
            else self._note("quantile", (c, table.upto.tobytes(), table.height.tobytes()), (c, table))
            for c, table, low, high in zip(columns, tables, lows, highs, strict=True)
        ]

    def _note(self, kind: str, key: tuple[Any, ...], step: tuple[Any, ...]) -> Place:
        steps = self._steps[kind]
        steps.setdefault(key, step)
        return kind, list(steps).index(key)

    def jumps(self) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """Each column's values at which a step jumps."""
        names = list(self._at)
        for column, table in self._steps["quantile"].values():
            yield names[column], table.upto
        for column, value in self._steps["equal"].values():
            yield names[column], np.array([value])

    def write(self) -> None:
        """Write the nodes of every step noted."""
        written = {kind: self._write(kind, [*steps.values()]) for kind, steps in self._steps.items() if steps}
        widths = [len(self._steps[kind]) for kind in written]
        self._kinds = dict(zip(written, np.cumsum([0, *widths])[:-1].tolist(), strict=True))
        values = list(written.values())
        self._written = values[0] if len(values) == 1 else self._builder.add("Concat", *values, axis=1)

    def _write(self, kind: str, steps: list[Any]) -> str:
        writers: dict[str, Callable[[list[Any]], str]] = {
            "scaled": self._scaled,
            "quantile": self._quantile,
            "binary": self._two_values,
            "equal": self._equal,
        }
        return writers[kind](steps)

    def matrix(self, places: Sequence[Place]) -> str:
        """Return the columns at ``places``, [batch, len(places)] float32."""
        return self._builder.columns(self._written, [self._kinds[kind] + number for kind, number in places])

    @property
    def whole(self) -> str:
        """All steps' columns, [batch, steps] float32, once they are written."""
        return self._written

    def joined(self, places: Sequence[Sequence[Place]], layers: Sequence[Layer]) -> Layer:
        """One linear layer on ``whole`` that answers as each layer does on its own ``places``."""
        weights, biases = zip(*layers, strict=True)
        wide = np.zeros((sum(map(len, biases)), sum(map(len, self._steps.values()))))
        row = 0
        for where, weight in zip(places, weights, strict=True):
            columns = [self._kinds[kind] + number for kind, number in where]
            for at, column in enumerate(columns):  # a column may stand twice
                wide[row : row + len(weight), column] += weight[:, at]
            row += len(weight)
        return wide, np.concatenate(biases)

    def _scaled(self, steps: list[tuple[int, float, float]]) -> str:
        """Subtract and divide in single precision, as scikit-learn does with a float32 table."""
        builder = self._builder
        columns, mean, scale = zip(*steps, strict=True)
        x = builder.columns(self._x, columns)
        centred = builder.add("Sub", x, builder.constant(mean, np.float32))
        return builder.add("Div", centred, builder.constant(scale, np.float32))

    def _quantile(self, steps: list[tuple[int, Pieces]]) -> str:
        columns, tables = zip(*steps, strict=True)
        x = self._builder.cast(self._builder.columns(self._x, columns), np.float64)
        return normal_scores(self._builder, x, range(len(columns)), tables)

    def _two_values(self, steps: list[tuple[int, float, float]]) -> str:
        builder = self._builder
        columns, low, high = zip(*steps, strict=True)
        one = builder.add("Equal", builder.columns(self._x, columns), builder.constant(1.0, np.float32))
        return builder.add(
            "Where", one, builder.constant(high, np.float32), builder.constant(low, np.float32)
        )

    def _equal(self, steps: list[tuple[int, float]]) -> str:
        columns, values = zip(*steps, strict=True)
        x = self._builder.columns(self._x, columns)
        return self._builder.cast(
            self._builder.add("Equal", x, self._builder.constant(values, np.float32)), np.float32
        )


def _categories(encoder: Any) -> list[list[float]]:
    """The values that get a 0/1 column each; raises ExportError where rare ones were merged into one."""
    if any(indices is not None and len(indices) for indices in getattr(encoder, "infrequent_indices_", [])):
        raise ExportError(
            "expected 0/1 columns of single values, got merged rare ones; raise max_category_levels"
        )
    return [[float(value) for value in values] for values in encoder.categories_]


def double_layers(builder: GraphBuilder, x: str, layers: Sequence[Layer]) -> str:
    """Write linear layers (weight [out, in], bias [out]) with ReLU between, in double precision."""
    value = builder.cast(x, np.float64)
    for number, (weight, bias) in enumerate(layers):
        if number:
            value = builder.add("Relu", value)
        wide = builder.constant(np.asarray(weight, dtype=np.float64))
        value = builder.add("Gemm", value, wide, builder.constant(np.asarray(bias, np.float64)), transB=1)
    return value
