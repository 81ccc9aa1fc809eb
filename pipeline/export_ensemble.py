"""Stage export_ensemble: encoder and AutoGluon's whole ensemble -> ONE graph, certified, in a bundle."""

from pathlib import Path

from features.errors import FeatureError
from models.errors import ModelError
from pipeline.params import PARAMS_FILE, read_params
from pipeline.publish import Sources, publish
from pipeline.served import served_ensemble
from pipeline.stage import run
from pipeline.tables import read_selection
from serving.errors import ServingError


def main(
    prepared: Path,
    selection: Path,
    ensemble: Path,
    rows: Path,
    reports: Path,
    models: Path,
    params: Path = PARAMS_FILE,
) -> None:
    """Export SELECTION's encoder and ENSEMBLE into MODELS/name_ensemble/version; see `publish`.

    ROWS are evaluate's.
    """
    settings, chosen = read_params(params), read_selection(selection)
    served = served_ensemble(chosen, ensemble, output=settings.export.output)
    publish(
        served, chosen, Sources(prepared, selection, rows, reports), models, settings.export,
        confidence=settings.evaluate.confidence,
        name=f"{settings.export.name}_ensemble",
        description=f"{settings.export.description} AutoGluon's whole ensemble.",
    )  # fmt: skip


if __name__ == "__main__":
    run(main, FeatureError, ModelError, ServingError)
