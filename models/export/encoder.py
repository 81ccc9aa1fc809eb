"""A fitted scikit-learn encoder, and formulas before it, as an ONNX graph over raw typed columns."""

import ast
from collections.abc import Mapping, Sequence

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer

from models.errors import ExportError
from models.export.graphs import OPSET, check, join, levelled, name_batch, prefixed

FEATURES = "features"
"""Name of the encoder graph's output, [batch, features] float32."""

_CONVERTED_ML_OPSET = 3
"""The version of ai.onnx.ml that skl2onnx writes; what it writes holds in the later ones too."""

_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul"}


def encoder_graph(
    encoder: ColumnTransformer, *, numbers: Sequence[str], categories: Sequence[str]
) -> ModelProto:
    """Convert a fitted encoder: an input [batch, 1] a column, the output ``features``.

    ``numbers`` are float32 (NaN or infinite: missing), ``categories`` strings ("": missing); together they
    are the columns that the encoder was fitted on, in any order. Raises ExportError for a part that
    skl2onnx does not convert.
    """
    expected = {str(name) for name in encoder.feature_names_in_}
    got = {*numbers, *categories}
    if expected != got:
        odd = sorted(expected ^ got)[0]
        raise ExportError(f"expected the {len(expected)} columns of the encoder, {odd!r} is in one list only")
    types = {name: FloatTensorType([None, 1]) for name in numbers}
    types |= {name: StringTensorType([None, 1]) for name in categories}
    initial = [(str(name), types[str(name)]) for name in encoder.feature_names_in_]
    opsets = {"": OPSET, "ai.onnx.ml": _CONVERTED_ML_OPSET}
    try:
        model = convert_sklearn(encoder, initial_types=initial, target_opset=opsets)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ExportError(
            f"expected an encoder that skl2onnx converts, got: {reason}; use another part"
        ) from error
    _infinite_as_missing(model)
    model = prefixed(levelled(model), "encoder.")
    _rename_output(model, FEATURES)
    name_batch(model)
    return check(model)


def formula_graph(formulas: Mapping[str, str], columns: Sequence[str]) -> ModelProto:
    """Build the graph of derived number columns: inputs ``columns``, outputs the formulas' names, [batch, 1].

    A formula is arithmetic of columns and numbers with + - * and brackets, worked out in float32 in the
    order written. Raises ExportError for anything else.
    """
    nodes: list[NodeProto] = []
    for name, text in formulas.items():
        result = _compile(_parsed(name, text), name, nodes)
        nodes.append(helper.make_node("Identity", [result], [name]))
    graph = helper.make_graph(
        nodes, "formulas",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 1]) for name in columns],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 1]) for name in formulas],
    )  # fmt: skip
    return levelled(helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)]))


def formula_columns(formulas: Mapping[str, str]) -> list[str]:
    """Return the columns that the formulas read, in order of appearance."""
    names = [
        node.id
        for name, text in formulas.items()
        for node in ast.walk(_parsed(name, text))
        if isinstance(node, ast.Name)
    ]
    return list(dict.fromkeys(names))


def raw_encoder_graph(
    encoder: ColumnTransformer,
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    formulas: Mapping[str, str],
) -> ModelProto:
    """Convert an encoder some of whose number columns are ``formulas`` of raw ones.

    ``numbers`` and ``categories`` are the raw inputs of the graph, in this order; a raw number may serve
    formulas, the encoder or both.
    """
    fitted = [str(name) for name in encoder.feature_names_in_]
    numeric = [name for name in fitted if name not in categories]
    inner = encoder_graph(
        encoder, numbers=numeric, categories=[name for name in fitted if name in categories]
    )
    used = {name: text for name, text in formulas.items() if name in fitted}
    if not used:
        return _ordered(inner, [*numbers, *categories])
    # A raw number that both sides read must enter once: it passes through the formulas' graph under a copy.
    sources = formula_columns(used)
    shared = [name for name in sources if name in fitted]
    before = formula_graph(used, sources)
    for name in shared:
        before.graph.node.append(helper.make_node("Identity", [name], [f"{name}.copy"]))
        before.graph.output.append(
            helper.make_tensor_value_info(f"{name}.copy", TensorProto.FLOAT, ["batch", 1])
        )
        rename_input(inner, name, f"{name}.copy.in")
    for name in used:
        rename_input(inner, name, f"{name}.in")
    wires = {name: f"{name}.in" for name in used} | {f"{name}.copy": f"{name}.copy.in" for name in shared}
    return _ordered(join(prefixed(before, "formulas."), inner, wires), [*numbers, *categories])


def _parsed(name: str, text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ExportError(
            f"formula {name!r}: expected arithmetic of columns, got {text!r}; mend it"
        ) from error


def _compile(node: ast.expr, name: str, nodes: list[NodeProto]) -> str:
    """Append the nodes of an expression; returns the name of its value."""
    if isinstance(node, ast.Name):
        return node.id
    output = f"{name}.{len(nodes)}"
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        value = numpy_helper.from_array(np.float32(node.value).reshape(1, 1))
        nodes.append(helper.make_node("Constant", [], [output], value=value))
        return output
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        sides = [_compile(node.left, name, nodes), _compile(node.right, name, nodes)]
        output = f"{name}.{len(nodes)}"
        nodes.append(helper.make_node(_OPERATORS[type(node.op)], sides, [output]))
        return output
    raise ExportError(
        f"formula {name!r}: expected columns, numbers, + - * and brackets, got {ast.unparse(node)!r}"
    )


def _infinite_as_missing(model: ModelProto) -> None:
    """Make NaN of what is infinite before each Imputer, in place: only a few nodes take in all numbers."""
    nodes: list[NodeProto] = []
    missing = numpy_helper.from_array(np.float32(np.nan).reshape(1), "encoder_missing")
    for node in model.graph.node:
        if node.op_type == "Imputer" and not node.attribute[0].name.endswith("int64s"):
            value, flag, finite = node.input[0], f"{node.output[0]}.infinite", f"{node.output[0]}.finite"
            nodes.append(helper.make_node("IsInf", [value], [flag]))
            nodes.append(helper.make_node("Where", [flag, missing.name, value], [finite]))
            node.input[0] = finite
        nodes.append(node)
    if len(nodes) > len(model.graph.node):
        model.graph.initializer.append(missing)
        copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del model.graph.node[:]
        model.graph.node.extend(copies)


def rename_input(model: ModelProto, old: str, new: str) -> None:
    """Give an input another name, in place."""
    for value in model.graph.input:
        value.name = new if value.name == old else value.name
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]


def _rename_output(model: ModelProto, new: str) -> None:
    old = model.graph.output[0].name
    model.graph.output[0].name = new
    for node in model.graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
        node.input[:] = [new if name == old else name for name in node.input]


def _ordered(model: ModelProto, names: Sequence[str]) -> ModelProto:
    """Put the inputs in the order of ``names``; raises ExportError when they are not the same."""
    inputs = {value.name: value for value in model.graph.input}
    if set(inputs) != set(names):
        odd = sorted(set(inputs) ^ set(names))[0]
        raise ExportError(
            f"expected the graph to read the {len(names)} raw columns, {odd!r} is on one side only"
        )
    kept = [inputs[name] for name in names]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    return check(model)
