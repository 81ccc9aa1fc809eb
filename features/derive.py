"""Derived columns: sums, differences and products of number columns, as formulas that an ONNX graph can hold.

A formula is Python arithmetic over column names and numbers with + - * and brackets, such as
`first_flr_sf + second_flr_sf`. It is evaluated in float32 in the order written, as the graph does, and is
missing where one of its columns is.
"""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.columns import Column
from features.errors import FeatureError

OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}


def parse_formula(name: str, text: str) -> ast.expr:
    """The formula as a checked syntax tree of names, numbers, + - * and brackets.

    Raises FeatureError naming the formula and the part that is none of these.
    """
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise FeatureError(f"formula {name!r}: expected arithmetic of columns, got {text!r}") from error
    for node in ast.walk(tree):
        if not _allowed(node):
            part = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
            raise FeatureError(
                f"formula {name!r}: expected column names, numbers, + - * and brackets, got {part!r}"
            )
    return tree


def formula_inputs(formula: str, name: str = "formula") -> list[str]:
    """The columns that a formula reads, in order of appearance."""
    names = [node.id for node in ast.walk(parse_formula(name, formula)) if isinstance(node, ast.Name)]
    return list(dict.fromkeys(names))


def check_formulas(
    formulas: Mapping[str, str], columns: Sequence[Column], *, taken: Iterable[str] = ()
) -> None:
    """Raise FeatureError for a formula that reads what is no number column, or takes a name of another.

    `taken` are names that are not for formulas although no column of `columns` has them: key and target.
    """
    numbers = {c.name for c in columns if c.kind == "number"}
    names = {c.name for c in columns} | set(taken)
    for name, formula in formulas.items():
        if name in names:
            raise FeatureError(f"formula {name!r} has the name of a column; give it another")
        strangers = [source for source in formula_inputs(formula, name) if source not in numbers]
        if strangers:
            raise FeatureError(f"formula {name!r} reads {strangers[0]!r}, which is no number column")


def with_derived(raw: pd.DataFrame, formulas: Mapping[str, str]) -> pd.DataFrame:
    """`raw` (as `raw_inputs` gives it) with one float32 column more per formula, NaN for missing."""
    values = {name: _evaluate(parse_formula(name, text), raw) for name, text in formulas.items()}
    return raw.assign(**values)


def sources(names: Iterable[str], formulas: Mapping[str, str]) -> list[str]:
    """The raw columns from which the columns `names`, derived ones among them, can be had."""
    needed = [formula_inputs(formulas[name], name) if name in formulas else [name] for name in names]
    return list(dict.fromkeys(name for group in needed for name in group))


def _allowed(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return isinstance(node, (ast.BinOp, ast.Name, ast.Load, *OPERATORS))


def _evaluate(node: ast.expr, raw: pd.DataFrame) -> Any:
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](_evaluate(node.left, raw), _evaluate(node.right, raw))
    if isinstance(node, ast.Name):
        return raw[node.id].astype("float32")
    assert isinstance(node, ast.Constant)
    return np.float32(node.value)  # type: ignore[arg-type]  # parse_formula lets numbers through only
