"""A table's whole path as ONE graph: raw typed columns -> formulas -> encoder -> model -> answer."""

from collections.abc import Mapping, Sequence

from onnx import ModelProto
from sklearn.compose import ColumnTransformer

from models.ensemble import Ensemble
from models.errors import ExportError
from models.export.encoder import FEATURES, raw_encoder_graph, rename_input
from models.export.ensemble import EnsembleGraph, ensemble_graph
from models.export.graphs import check, join, name_batch, prefixed
from models.export.network import network_graph
from models.task import Served


def export_network_table(
    encoder: ColumnTransformer,
    served: Served,
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    formulas: Mapping[str, str] | None = None,
) -> ModelProto:
    """Join a fitted encoder and a network that reads what it gives; see ``export_table``.

    The outputs are the network's. Raises ExportError when it cannot be exported.
    """
    if len(served.inputs) != 1:
        raise ExportError(f"expected a network with one input, the features; got {sorted(served.inputs)}")
    return export_table(
        encoder, network_graph(served), numbers=numbers, categories=categories, formulas=formulas
    )


def export_ensemble_table(
    encoder: ColumnTransformer,
    ensemble: Ensemble,
    *,
    output: str,
    numbers: Sequence[str],
    categories: Sequence[str],
    formulas: Mapping[str, str] | None = None,
    weights: Mapping[str, float] | None = None,
) -> EnsembleGraph:
    """Join a fitted encoder and an ensemble that was fitted on what it gives; see ``export_table``.

    ``output`` names the answer [batch, 1] in the target's unit, or the class; see ``ensemble_graph`` for the
    outputs and for ``weights``. The splits are those of raw numbers. Raises ExportError for an ensemble of
    other columns, or with a family that there is no graph of.
    """
    given = [str(name) for name in encoder.get_feature_names_out()]
    if given != list(ensemble.info.columns):
        raise ExportError(
            f"expected an ensemble on the encoder's {len(given)} features, got one on "
            f"{len(ensemble.info.columns)}; fit it again"
        )
    raw = {str(name) for name in encoder.feature_names_in_}
    # What the encoder names otherwise than a column of its own is a 0/1 column: `name=value`, `name=known`.
    after = ensemble_graph(
        ensemble, output=output, weights=weights, binary=[name for name in given if name not in raw]
    )
    model = export_table(encoder, after.model, numbers=numbers, categories=categories, formulas=formulas)
    return EnsembleGraph(model, {name: after.splits[name] for name in numbers if name in after.splits})


def export_table(
    encoder: ColumnTransformer,
    model: ModelProto,
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    formulas: Mapping[str, str] | None = None,
) -> ModelProto:
    """Join a fitted encoder and the graph of a model that reads what it gives.

    Inputs, in order: ``numbers`` (float32 [batch, 1], NaN missing) then ``categories`` (string [batch, 1],
    "" missing). ``formulas`` name the encoder's derived number columns. The outputs are the model's.
    Raises ExportError when a part cannot be exported or the parts do not fit.
    """
    before = raw_encoder_graph(encoder, numbers=numbers, categories=categories, formulas=formulas or {})
    after = prefixed(_input_named(model, "encoded"), "model.")
    given, wanted = _width(before.graph.output[0]), _width(after.graph.input[0])
    if given != wanted:
        raise ExportError(
            f"expected an encoder of {wanted} features, got {given}; fit both on the same columns"
        )
    whole = join(before, after, {FEATURES: after.graph.input[0].name})
    name_batch(whole)
    return check(whole)


def _input_named(model: ModelProto, name: str) -> ModelProto:
    """The model with its one input under another name than the encoder's output has."""
    renamed = ModelProto()
    renamed.CopyFrom(model)
    rename_input(renamed, renamed.graph.input[0].name, name)
    return renamed


def _width(value: object) -> int:
    return int(value.type.tensor_type.shape.dim[1].dim_value)  # type: ignore[attr-defined]
