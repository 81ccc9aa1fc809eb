"""A table's whole path as ONE graph: raw typed columns -> formulas -> encoder -> network -> answer."""

from collections.abc import Mapping, Sequence

from onnx import ModelProto
from sklearn.compose import ColumnTransformer

from models.errors import ExportError
from models.export.encoder import FEATURES, raw_encoder_graph
from models.export.graphs import check, join, name_batch, prefixed
from models.export.network import network_graph
from models.task import Served


def export_table(
    encoder: ColumnTransformer,
    served: Served,
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    formulas: Mapping[str, str] | None = None,
) -> ModelProto:
    """Join a fitted encoder and a network that reads what it gives.

    Inputs, in order: ``numbers`` (float32 [batch, 1], NaN missing) then ``categories`` (string [batch, 1],
    "" missing). ``formulas`` name the encoder's derived number columns. The outputs are the network's.
    Raises ExportError when a part cannot be exported or the parts do not fit.
    """
    if len(served.inputs) != 1:
        raise ExportError(f"expected a network with one input, the features; got {sorted(served.inputs)}")
    before = raw_encoder_graph(encoder, numbers=numbers, categories=categories, formulas=formulas or {})
    after = prefixed(network_graph(served), "network.")
    given, wanted = _width(before.graph.output[0]), _width(after.graph.input[0])
    if given != wanted:
        raise ExportError(
            f"expected an encoder of {wanted} features, got {given}; fit both on the same columns"
        )
    model = join(before, after, {FEATURES: after.graph.input[0].name})
    name_batch(model)
    return check(model)


def _width(value: object) -> int:
    return int(value.type.tensor_type.shape.dim[1].dim_value)  # type: ignore[attr-defined]
