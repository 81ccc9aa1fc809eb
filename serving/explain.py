"""How much each input of a record adds to its answer: Shapley values by sampled permutations.

For a background row and an order of the inputs, the row's values are replaced by the record's one by one;
what the answer changes by at each step is that input's share. Each order is also gone through backwards
(antithetic sampling), and shares are means over orders and rows. They add up to the answer less the mean
answer for the rows (`base`), whatever was sampled.
Sources: Castro, Gomez and Tejada 2009, doi 10.1016/j.cor.2008.04.004; Strumbelj and Kononenko 2014,
doi 10.1007/s10115-013-0679-x; Mitchell et al. 2022, arXiv 2104.12199.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.bundle import Bundle, Output
from serving.errors import InvalidInputError, UnsupportedError
from serving.infer_request import Arrays
from serving.model import Model
from serving.records import read_records

MAX_RECORDS, MAX_SAMPLES = 16, 64
ROWS_A_RUN = 8192
Floats = NDArray[np.float64]


def explain(model: Model, arrays: Arrays, *, samples: int = 16, seed: int = 0) -> list[dict[str, Any]]:
    """For each row of `arrays` and each numeric output, `base` and the `contributions` by input.

    `samples` orders of the inputs are drawn, 1 to 64, each with a background row of the bundle's. An output
    of several labels gives an object by label in place of a number. Raises UnsupportedError for a model
    without background rows or whose inputs are not one value each; InvalidInputError for too many rows.
    """
    bundle = model.bundle
    rows = len(next(iter(arrays.values())))
    if rows > MAX_RECORDS:
        raise InvalidInputError(f"{rows} records to explain, at most {MAX_RECORDS} in one request")
    background = _background(bundle)
    outputs = explained(bundle)
    return [_explain_row(model, arrays, row, background, outputs, samples, seed) for row in range(rows)]


def explained(bundle: Bundle) -> list[Output]:
    """The outputs that can be explained: numbers, and not the ends of another's interval."""
    ends = {
        end for each in bundle.outputs if each.interval for end in (each.interval.low, each.interval.high)
    }
    return [each for each in bundle.outputs if each.datatype.startswith("FP") and each.name not in ends]


def _background(bundle: Bundle) -> Arrays:
    if bundle.form is not None or any(each.kind == "tensor" for each in bundle.inputs):
        raise UnsupportedError(f"{bundle.name} cannot be explained: its inputs are not one value each")
    if bundle.proof is None:
        raise UnsupportedError(f"{bundle.name} has no rows to compare a record with: export it again")
    return read_records(list(bundle.proof.records), bundle, max_rows=len(bundle.proof.records))


def _explain_row(
    model: Model,
    arrays: Arrays,
    row: int,
    background: Arrays,
    outputs: list[Output],
    samples: int,
    seed: int,
) -> dict[str, Any]:
    names = list(arrays)
    masks, chosen, orders = _chains(len(names), _count(background), samples, seed)
    mixed = {
        name: np.where(_column(masks[:, at], arrays[name]), arrays[name][row], background[name][chosen])
        for at, name in enumerate(names)
    }
    typed = {name: array.astype(arrays[name].dtype) for name, array in mixed.items()}
    answers = _run(model, typed, [each.name for each in outputs])
    return {each.name: _shares(answers[each.name], orders, names, each) for each in outputs}


def _count(arrays: Arrays) -> int:
    return len(next(iter(arrays.values())))


def _column(mask: NDArray[np.bool_], like: NDArray[Any]) -> NDArray[np.bool_]:
    return mask.reshape(-1, *(1 for _ in like.shape[1:]))


def _chains(
    inputs: int, rows: int, samples: int, seed: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Which inputs are the record's in each row to be run, the row's background, and the orders.

    Chain c takes rows c * (inputs + 1) and on; its order is `orders[c]`.
    """
    draw = np.random.default_rng(seed)
    half = np.stack([draw.permutation(inputs) for _ in range(samples)])
    orders = np.concatenate([half, half[:, ::-1]])
    picked = draw.permutation(np.arange(samples) % rows)
    chosen = np.repeat(np.concatenate([picked, picked]), inputs + 1)
    place = np.argsort(orders, axis=1)
    masks = place[:, None, :] < np.arange(inputs + 1)[None, :, None]
    return masks.reshape(-1, inputs), chosen, orders


def _run(model: Model, arrays: Arrays, outputs: list[str]) -> dict[str, Floats]:
    """The answers for all rows, from as few runs of the graph as a limit on their rows allows."""
    rows = _count(arrays)
    parts = [
        model.infer({name: array[start : start + ROWS_A_RUN] for name, array in arrays.items()}, outputs)
        for start in range(0, rows, ROWS_A_RUN)
    ]
    return {name: np.concatenate([part[name] for part in parts]).astype(np.float64) for name in outputs}


def _shares(answers: Floats, orders: NDArray[np.int64], names: list[str], output: Output) -> dict[str, Any]:
    """The base and each input's mean step over the chains."""
    chains = answers.reshape(len(orders), len(names) + 1, -1)
    with np.errstate(invalid="ignore"):  # an answer beyond all numbers has no shares: they are null in JSON
        steps = np.diff(chains, axis=1)
    by_input = np.zeros_like(steps)
    np.put_along_axis(by_input, orders[:, :, None], steps, axis=1)
    shares = by_input.mean(axis=0)
    return {
        "base": _shown(chains[:, 0].mean(axis=0), output),
        "contributions": {name: _shown(shares[at], output) for at, name in enumerate(names)},
    }


def _shown(values: Floats, output: Output) -> Any:
    """One number, one a label, or a list of them."""
    if output.labels is not None and len(values) == len(output.labels):
        return dict(zip(output.labels, values.tolist(), strict=True))
    return float(values[0]) if len(values) == 1 else values.tolist()
