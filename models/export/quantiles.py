"""scikit-learn's QuantileTransformer to a normal distribution, which skl2onnx does not convert.

A column's quantiles become a tree whose leaf is the number of the piece that a value lies in, so that the
work grows with the logarithm of their number; tables hold each piece's line. The inverse of the normal
distribution is Wichura's algorithm AS 241 (PPND16), Applied Statistics 37 (1988), right to 1e-16.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import QuantileTransformer

from models.errors import ExportError
from models.export.builder import GraphBuilder
from models.export.trees import Forest, constant_tree, forest_node

_BOUND = np.float32(1e-7)
"""scikit-learn's distance from the ends within which a value counts as the end (BOUNDS_THRESHOLD)."""

_CENTRE, _TAIL = 0.425, 5.0
_P = (
    (
        3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
        45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727,
    ),
    (
        1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
        1.27045825245236838258, 0.241780725177450611770, 0.0227238449892691845833, 7.74545014278341407640e-4,
    ),
    (
        6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 0.296560571828504891230,
        0.0265321895265761230930, 1.24266094738807843860e-3, 2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
)  # fmt: skip
_Q = (
    (
        1.0, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077, 21213.794301586595867,
        39307.895800092710610, 28729.085735721942674, 5226.4952788528545610,
    ),
    (
        1.0, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550, 0.148103976427480074590,
        0.0151986665636164571966, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
    ),
    (
        1.0, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525,
        7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Pieces:
    """A column's map to [0, 1]: piece i reaches up to ``upto[i]`` (the last has no end) and is the line
    ``height[i] + slope[i] * (x - start[i])``."""

    upto: NDArray[np.float64]
    start: NDArray[np.float64]
    height: NDArray[np.float64]
    slope: NDArray[np.float64]


def pieces(quantiles: NDArray[np.floating], references: NDArray[np.float64]) -> Pieces:
    """The pieces of one column of a fitted QuantileTransformer, for float32 values.

    A value that is several quantiles at once gets the mean of its references, as there. Between two values
    the line is the same in both directions. The ends, which scikit-learn widens by 1e-7, are pieces too.
    """
    values, first, counts = np.unique(
        np.asarray(quantiles, dtype=np.float64), return_index=True, return_counts=True
    )
    low, high = references[first], references[first + counts - 1]
    lowest, highest = _below(quantiles[0]), _above(quantiles[-1])
    rows = [(lowest, 0.0, 0.0, 0.0)]
    for at in range(len(values)):
        if at:
            start, slope = values[at - 1], (low[at] - high[at - 1]) / (values[at] - values[at - 1])
            end = np.nextafter(values[at], -np.inf) if counts[at] > 1 else values[at]
            rows.append((end, start, high[at - 1], slope))
        if counts[at] > 1:
            rows.append((values[at], 0.0, 0.5 * (low[at] + high[at]), 0.0))
    last = float(np.nextafter(highest, np.float32(-np.inf)))
    # The upper end is set first there, then the lower one: where both hold the lower wins.
    kept = [row for row in rows[1:] if row[0] > lowest and row[1] <= last]
    table = np.array([rows[0], *kept, (np.inf, 0.0, 1.0, 0.0)])
    upto = np.minimum(table[:-1, 0], max(last, float(lowest)))
    return Pieces(upto, table[:, 1], table[:, 2], table[:, 3])


def _below(quantile: np.floating) -> np.float32:
    """The largest float32 x with x - 1e-7 below the quantile."""
    x = np.float32(quantile) + _BOUND
    up, down = np.float32(np.inf), np.float32(-np.inf)
    while x - _BOUND < quantile:
        x = np.nextafter(x, up)
    while not x - _BOUND < quantile:
        x = np.nextafter(x, down)
    return np.float32(x)


def _above(quantile: np.floating) -> np.float32:
    """The smallest float32 x with x + 1e-7 above the quantile."""
    x = np.float32(quantile) - _BOUND
    up, down = np.float32(np.inf), np.float32(-np.inf)
    while x + _BOUND > quantile:
        x = np.nextafter(x, down)
    while not x + _BOUND > quantile:
        x = np.nextafter(x, up)
    return np.float32(x)


def finder(upto: NDArray[np.float64], column: int) -> Forest:
    """A balanced tree whose leaf for x[column] is the number of its piece; ``upto`` ascends."""
    leaves = len(upto) + 1
    if leaves == 1:
        return constant_tree(0.0)
    nodes: list[tuple[float, int, int]] = []

    def grow(low: int, high: int) -> int:
        if high - low == 1:
            return ~low
        at, middle = len(nodes), (low + high) // 2
        nodes.append((0.0, 0, 0))
        nodes[at] = (float(upto[middle - 1]), grow(low, middle), grow(middle, high))
        return at

    grow(0, leaves)
    split, yes, no = (np.array(part) for part in zip(*nodes, strict=True))
    return Forest(
        np.full(len(nodes), column), split.astype(np.float64), yes, no, np.zeros(len(nodes), dtype=bool),
        np.arange(leaves, dtype=np.float64), np.array([0]),
    )  # fmt: skip


def normal_scores(builder: GraphBuilder, x: str, columns: Sequence[int], tables: Sequence[Pieces]) -> str:
    """Add the transform of ``columns`` of x [batch, .] (float64 that came from float32), one ``Pieces`` each.

    Returns [batch, len(columns)] float32.
    """
    if not columns:
        raise ExportError("expected one column or more to transform, got none; leave the step out")
    forests = [finder(each.upto, column) for each, column in zip(tables, columns, strict=True)]
    offsets = np.cumsum([0, *(len(each.start) for each in tables)])[:-1]
    piece = builder.cast(forest_node(builder, x, forests), np.int64)
    piece = builder.add("Add", piece, builder.constant(offsets, np.int64))

    def of(name: str) -> str:
        table = np.concatenate([getattr(each, name) for each in tables])
        return builder.add("Gather", builder.constant(table), piece, axis=0)

    run = builder.add("Sub", builder.columns(x, columns), of("start"))
    share = builder.add("Add", of("height"), builder.add("Mul", of("slope"), run))
    # There the share lies in a float32 table before it goes on.
    share = builder.cast(builder.cast(share, np.float32), np.float64)
    return builder.cast(_clipped(builder, _normal_quantile(builder, share)), np.float32)


def _clipped(builder: GraphBuilder, score: str) -> str:
    from scipy.stats import norm

    edge = 1e-7 - np.spacing(1)
    low, high = builder.constant(norm.ppf(edge)), builder.constant(norm.ppf(1 - edge))
    return builder.add("Min", builder.add("Max", score, low), high)


def _normal_quantile(builder: GraphBuilder, p: str) -> str:
    """The inverse of the normal distribution, for p in [0, 1]; at the ends it is beyond 8."""
    half, one = builder.constant(0.5), builder.constant(1.0)
    q = builder.add("Sub", p, half)
    centre = builder.add("Sub", builder.constant(_CENTRE**2), builder.add("Mul", q, q))
    inner = builder.add("Mul", q, _ratio(builder, centre, 0))
    outer = builder.add("Max", builder.add("Min", p, builder.add("Sub", one, p)), builder.constant(1e-300))
    r = builder.add("Sqrt", builder.add("Neg", builder.add("Log", outer)))
    near = _ratio(builder, builder.add("Sub", r, builder.constant(1.6)), 1)
    far = _ratio(builder, builder.add("Sub", r, builder.constant(_TAIL)), 2)
    tail = builder.add("Where", builder.add("LessOrEqual", r, builder.constant(_TAIL)), near, far)
    signed = builder.add("Mul", builder.add("Sign", q), tail)
    central = builder.add("LessOrEqual", builder.add("Abs", q), builder.constant(_CENTRE))
    return builder.add("Where", central, inner, signed)


def _ratio(builder: GraphBuilder, r: str, which: int) -> str:
    return builder.add("Div", _polynomial(builder, r, _P[which]), _polynomial(builder, r, _Q[which]))


def _polynomial(builder: GraphBuilder, r: str, coefficients: Sequence[float]) -> str:
    """Horner's scheme; ``coefficients`` from the constant term upwards."""
    total = builder.constant(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = builder.add("Add", builder.add("Mul", total, r), builder.constant(coefficient))
    return total


def transformer_pieces(transformer: QuantileTransformer) -> list[Pieces]:
    """The pieces of every column; raises ExportError for another distribution than the normal one."""
    if transformer.output_distribution != "normal":
        raise ExportError(
            f"expected quantiles to a normal distribution, got {transformer.output_distribution!r}; "
            "skl2onnx converts the uniform one"
        )
    return [pieces(column, transformer.references_) for column in transformer.quantiles_.T]
