"""Stage export: encoder and the picked model -> ONE graph from raw columns, proven, in a bundle."""

from pathlib import Path

from features.errors import FeatureError
from models.errors import ModelError
from pipeline.params import PARAMS_FILE, Params, read_params
from pipeline.picked import read_picked
from pipeline.publish import Sources, publish
from pipeline.served import Served, served_ensemble, served_network
from pipeline.stage import run
from pipeline.tables import Selection, read_selection
from serving.errors import ServingError


def main(
    prepared: Path,
    selection: Path,
    ensemble: Path,
    network: Path,
    picked: Path,
    rows: Path,
    reports: Path,
    models: Path,
    params: Path = PARAMS_FILE,
) -> None:
    """Export SELECTION's encoder and the model that PICKED names into MODELS/name/version; see `publish`.

    It is the one in NETWORK, or the one in ENSEMBLE, whole or pruned. ROWS are evaluate's.
    """
    settings, chosen = read_params(params), read_selection(selection)
    served = picked_model(chosen, ensemble, network, picked, settings)
    publish(
        served, chosen, Sources(prepared, selection, rows, reports), models, settings.export,
        confidence=settings.evaluate.confidence,
        name=settings.export.name, description=settings.export.description,
    )  # fmt: skip


def picked_model(chosen: Selection, ensemble: Path, network: Path, picked: Path, settings: Params) -> Served:
    """The model that the stage prune picked."""
    choice, output = read_picked(picked), settings.export.output
    if choice.model == "network":
        return served_network(chosen, network, output=output, taught=bool(settings.train.distil))
    return served_ensemble(chosen, ensemble, output=output, weights=choice.weights or None)


if __name__ == "__main__":
    run(main, FeatureError, ModelError, ServingError)
